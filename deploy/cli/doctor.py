"""`plut doctor`: what is missing or wrong on this machine, and the cure."""

from dataclasses import asdict

import typer

from deploy.cli.options import DataDir, Json, print_json


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("doctor")(doctor)


def doctor(
    data_dir: DataDir = None,
    json: Json = False,  # noqa: FBT002  a flag of the command line
) -> None:
    """Looks for what is missing or wrong on this machine. Exit status 1 if something that a start needs is."""
    from deploy.local.doctor import examine
    from deploy.local.installation import Installation

    findings = examine(Installation.open(data_dir))
    ill = any(finding.needed and not finding.is_well for finding in findings)
    if json:
        print_json({"ok": not ill, "findings": [{**asdict(each), "ok": each.is_well} for each in findings]})
    else:
        for finding in findings:
            mark = typer.style("ok   ", fg="green") if finding.is_well else typer.style("ill  ", fg="red", bold=True)
            typer.echo(f"{mark}{finding.subject:18} {finding.found}")
            if finding.cure:
                typer.echo(f"     {'':18} cure: {finding.cure}")
    raise typer.Exit(1 if ill else 0)
