"""Keycloak's realm file against what the services take of a token; that Keycloak itself takes it is not tried here."""

import json
from pathlib import Path
from typing import Any

import pytest

from deploy.local.issuer.people import OFFICES
from services.reporting.login import RETURNS_TO
from services.reporting.settings import ReportingSettings
from shared.auth.principal import Role
from shared.settings import Settings

REALM: dict[str, Any] = json.loads(
    (Path(__file__).parents[3] / "deploy" / "keycloak" / "realm.json").read_text(encoding="utf-8")
)
CLIENTS = {client["clientId"]: client for client in REALM["clients"]}


def mappers(client: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {mapper["protocolMapper"]: mapper["config"] for mapper in client["protocolMappers"]}


def test_its_roles_are_ours() -> None:
    """Nobody is given `public`: it is what everybody has."""
    assert {role["name"] for role in REALM["roles"]["realm"]} == {role.value for role in Role} - {Role.PUBLIC.value}


def test_groups_give_the_offices() -> None:
    offices = [tuple(group["attributes"]["offices"]) for group in REALM["groups"]]
    assert offices == [*((code,) for code in OFFICES), OFFICES]


@pytest.mark.parametrize("name", CLIENTS)
def test_tokens_carry_what_services_ask_for(name: str) -> None:
    found = mappers(CLIENTS[name])
    audience = found["oidc-audience-mapper"]
    assert audience["included.custom.audience"] == Settings.model_fields["audience"].default
    roles, offices = found["oidc-usermodel-realm-role-mapper"], found["oidc-usermodel-attribute-mapper"]
    assert (roles["claim.name"], offices["claim.name"], offices["user.attribute"]) == ("roles", "offices", "offices")
    assert offices["aggregate.attrs"] == "true", "offices come from groups"
    for mapper in (audience, roles, offices):
        assert mapper["access.token.claim"] == "true"
    for mapper in (roles, offices):
        assert mapper["multivalued"] == "true"


def test_the_attribute_of_offices_is_known_and_nobodys_own_to_change() -> None:
    (component,) = REALM["components"]["org.keycloak.userprofile.UserProfileProvider"]
    (profile,) = component["config"]["kc.user.profile.config"]
    attribute = next(each for each in json.loads(profile)["attributes"] if each["name"] == "offices")
    assert attribute["permissions"]["edit"] == ["admin"]
    assert attribute["multivalued"] is True


def test_the_pages_client_is_confidential_and_returns_to_one_address() -> None:
    web = CLIENTS[ReportingSettings.model_fields["web_client_id"].default]
    assert web["redirectUris"] == ["${PLUT_PUBLIC_URL}" + RETURNS_TO]
    assert web["secret"] == "${PLUT_WEB_CLIENT_SECRET}"
    assert web["attributes"]["pkce.code.challenge.method"] == "S256"
    assert not web["publicClient"]


@pytest.mark.parametrize("name", CLIENTS)
def test_no_client_takes_passwords(name: str) -> None:
    assert not CLIENTS[name]["directAccessGrantsEnabled"]
    assert not CLIENTS[name]["implicitFlowEnabled"]


def test_tokens_are_short_and_guessing_is_held_off() -> None:
    assert REALM["accessTokenLifespan"] <= 600
    assert REALM["bruteForceProtected"]
    assert not REALM["registrationAllowed"]
