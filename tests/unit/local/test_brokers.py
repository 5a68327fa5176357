"""How many brokers an installation has: kept from its first start on, and never guessed."""

from pathlib import Path

import pytest

from deploy.local import brokers
from deploy.local.brokers import Brokers


def test_an_installation_that_asked_for_nothing_has_one(tmp_path: Path) -> None:
    kept = brokers.load(tmp_path / "brokers.json")
    assert kept.names == ("kafka",)
    assert kept.port_names == ["kafka", "kafka-controller"]


def test_a_set_is_kept_with_its_cluster(tmp_path: Path) -> None:
    three = brokers.several(3)
    brokers.keep(tmp_path / "brokers.json", three)
    assert brokers.load(tmp_path / "brokers.json") == three
    assert three.names == ("kafka", "kafka-2", "kafka-3")
    assert len(set(three.port_names)) == 9


def test_a_spoilt_file_is_not_taken_for_one_broker(tmp_path: Path) -> None:
    (tmp_path / "brokers.json").write_text('{"number": 3', encoding="utf-8")
    with pytest.raises(ValueError, match="tells how many brokers"):
        brokers.load(tmp_path / "brokers.json")


def test_each_of_a_set_knows_the_quorum_and_keeps_as_many_copies(tmp_path: Path) -> None:
    three = brokers.several(3)
    ports = {name: 20_000 + number for number, name in enumerate(three.port_names)}
    properties = [_properties(three, name, tmp_path, ports) for name in three.names]
    assert [each["node.id"] for each in properties] == ["1", "2", "3"]
    assert len({each["controller.quorum.voters"] for each in properties}) == 1
    assert {each["min.insync.replicas"] for each in properties} == {"2"}
    assert {each["offsets.topic.replication.factor"] for each in properties} == {"3"}
    assert {each["transaction.state.log.min.isr"] for each in properties} == {"2"}


def test_clients_are_told_the_detour_and_other_brokers_are_not(tmp_path: Path) -> None:
    set_of_two = brokers.several(2)
    ports = {name: 20_000 + number for number, name in enumerate(set_of_two.port_names)}
    detoured = Brokers(2, set_of_two.cluster, {"kafka-2": 30_000})
    told = _properties(detoured, "kafka-2", tmp_path, ports)
    assert told["advertised.listeners"] == f"CLIENT://127.0.0.1:30000,COPIES://127.0.0.1:{ports['kafka-2-copies']}"
    assert f"CLIENT://127.0.0.1:{ports['kafka-2']}," in told["listeners"]
    assert detoured.client_port("kafka", ports) == ports["kafka"]


@pytest.mark.parametrize("number", [0, 1, 4])
def test_a_set_has_two_or_three(number: int) -> None:
    with pytest.raises(ValueError, match="a set has"):
        brokers.several(number)


def _properties(kept: Brokers, name: str, directory: Path, ports: dict[str, int]) -> dict[str, str]:
    kept.broker(name, directory, ports).command(_made(directory / name) / "log")
    lines = (directory / name / "server.properties").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines)


def _made(directory: Path) -> Path:
    directory.mkdir(exist_ok=True)
    return directory
