"""`plut demo`: the story of eight offices, and the proof at its end. It is told in Bahasa Indonesia."""

import asyncio
import signal
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.cli.options import DataDir, fail, fail_for_files

if TYPE_CHECKING:
    from rich.console import Console

    from deploy.check.findings import Report
    from deploy.demo.story import Stage
    from deploy.local.installation import Installation


_BROKEN_OFF = "See `plut status` and `plut logs`, then start the demo again."


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("demo")(demo)


def demo(
    once: Annotated[bool, typer.Option("--once", help="End after the proof; exit status 0 only if it holds.")] = False,  # noqa: FBT002  a flag of the command line
    data_dir: DataDir = None,
) -> None:
    """Starts everything, lets eight offices write at once, proves that nothing is lost, and stays up until Ctrl-C."""
    from httpx import HTTPError

    from deploy.demo.writer import GaveUpError
    from deploy.local.import_desk import ImportRefused
    from deploy.local.installation import Installation
    from deploy.local.supervisor import ERRORS
    from shared.postgres import UNAVAILABLE

    try:
        holds = asyncio.run(_demo(Installation.open(data_dir), once=once))
    except ERRORS as error:
        fail(f"It did not start: {error}", "`plut doctor` looks for what is wrong with this machine.")
    except (GaveUpError, HTTPError, ImportRefused) as error:
        fail(f"The story broke off: {error}", _BROKEN_OFF)
    except UNAVAILABLE as error:
        fail_for_files(error)
        fail(f"Postgres is away: {error}", _BROKEN_OFF)
    raise typer.Exit(0 if holds else 1)


async def _demo(installation: "Installation", *, once: bool) -> bool:
    from rich.console import Console

    from deploy.local import launcher

    console = Console(highlight=False)
    stopping = _stopped_by_signals()
    found_running = installation.is_running
    try:
        if found_running:
            console.print("Instalasi sudah berjalan; cerita ini memakainya dan membiarkannya tetap berjalan.")
        elif not await _started(installation, console, stopping):
            return False
        return await _tell(installation, console, stopping, once=once)
    finally:
        if not found_running:
            console.print("Menghentikan semuanya …")
            await launcher.shut_down(installation)


async def _started(installation: "Installation", console: "Console", stopping: asyncio.Event) -> bool:
    """Returns False if it was told to stop before everything was up."""
    from deploy.local import launcher

    console.print("[bold]Menyiapkan Postgres, Kafka, dan layanan PLUT …[/bold]")
    starting = asyncio.create_task(launcher.launch(installation, lambda text: console.print(f"  {text}", style="dim")))
    stopped = asyncio.create_task(stopping.wait())
    await asyncio.wait({starting, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if not starting.done():
        starting.cancel()
        await asyncio.wait({starting})
        return False
    starting.result()
    return True


async def _tell(installation: "Installation", console: "Console", stopping: asyncio.Event, *, once: bool) -> bool:
    from deploy.demo import story

    async with story.set_stage(installation, console) as stage:
        console.print("Administrator membuka delapan kantor; kepala kantor mendaftarkan konsultannya.")
        await story.open_offices(installation, stage.staff, stage.administrator, stage.offices)
        console.print(
            "Delapan kantor kini menulis bersamaan lewat HTTP. Sesekali jawaban hilang di jalan lalu dikirim ulang, "
            "atau tombol terklik dua kali: tidak ada yang boleh hilang atau terhitung ganda.\n"
        )
        await story.write_together(stage, stopping)
        holds = await _prove(stage)
        if once or stopping.is_set():
            return holds
        _show_addresses(installation, console)
        await story.work_quietly(stage, stopping)
        return holds


async def _prove(stage: "Stage") -> bool:
    from deploy.cli.check import prove

    stage.console.print("\n[bold]Bukti[/bold]: setiap catatan kantor dibandingkan dengan riwayat dan dengan laporan …")
    report = await prove(stage.installation, stage.installation.writers_dir, 60.0, lambda _stage, _number: None)
    _show_proof(stage, report)
    return report.ok and report.stored == report.applied and stage.watch.missing == 0 and stage.scenes.hold


def _show_proof(stage: "Stage", report: "Report") -> None:
    from rich.table import Table

    from deploy.bench.latency import summary

    counts, measured = report.as_json(), summary(stage.watch.seconds)
    table = Table(show_header=False, box=None, pad_edge=False)
    for label, value in (
        ("Diterima (perintah yang dijawab 2xx)", counts["acknowledged"]),
        ("Tersimpan (peristiwa dalam riwayat)", counts["stored"]),
        ("Tampil (peristiwa yang sudah masuk laporan)", counts["applied"]),
        ("Hilang", counts["lost"]),
        ("Terhitung dua kali", counts["twice"]),
        ("Baris yang berbeda dari hitung ulang", counts["differing_rows"]),
        ("Hilang oleh pemulihan cadangan", counts["restored_away"]),
        ("Masih di jalan", counts["waiting"]),
    ):
        table.add_row(label, f"{value:,}".replace(",", "."))
    p50, p99 = (_milliseconds(measured[name]) for name in ("p50_ms", "p99_ms"))
    label = f"Dari jawaban sampai tampil ({len(stage.watch.seconds)} catatan diukur)"
    table.add_row(label, f"p50 {p50}, p99 {p99}")
    stage.console.print(table)
    for line in stage.scenes.lines():
        stage.console.print(line, soft_wrap=True)
    for session in stage.scenes.contested[:1]:
        count = len(stage.scenes.contested)
        stage.console.print(
            f"Menunggu kepala kantor: {count} sesi yang disanggah, di antaranya {session}", soft_wrap=True
        )
    for finding in report.details[:20]:
        stage.console.print(f"  {finding.kind} {finding.where}: {finding.what}", markup=False)
    stage.console.print(
        "[bold green]Janji terbukti.[/bold green]" if report.ok else "[bold red]Janji tidak terbukti.[/bold red]"
    )


def _milliseconds(value: float | None) -> str:
    return "tidak terukur" if value is None else f"{value:.0f} ms"


def _show_addresses(installation: "Installation", console: "Console") -> None:
    from rich.table import Table

    table = Table(title="PLUT berjalan", title_justify="left", show_header=False)
    table.add_row("Ringkasan provinsi", f"{installation.url('reporting')}/")
    for service in ("registry", "mentoring", "reporting"):
        table.add_row(f"API {service}", f"{installation.url(service)}/docs")
    table.add_row("Akun demo", "province_analyst, administrator, auditor, office_head.35.76, front_desk.35.76, …")
    table.add_row("Kata sandi", installation.demo_password)
    table.add_row("Catatan para kantor", str(installation.writers_dir))
    console.print(table)
    console.print("Kantor-kantor terus bekerja pelan-pelan. Ctrl-C menghentikan.")


def _stopped_by_signals() -> asyncio.Event:
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    return stopping
