"""`python -m deploy.local.issuer`: runs the laptop's issuer until SIGTERM."""

from deploy.local.issuer.app import create_issuer
from deploy.local.issuer.settings import IssuerSettings
from deploy.local.issuer.vault import Vault
from shared import log
from shared.http.serve import run, serve
from shared.settings import Environment, load, refuse


def main() -> None:
    """Refuses production: whoever reads the demo password is anybody here."""
    settings = load(IssuerSettings)
    if settings.env is Environment.PRODUCTION:
        cure = "set PLUT_ISSUER_URL of the services to a real issuer, or PLUT_ENV=local on a laptop"
        refuse("PLUT_ENV", "the demo issuer does not run in production", cure)
    if settings.issuer_url is None:
        refuse("PLUT_ISSUER_URL", "is missing", "set it to the address under which browsers reach the issuer")
    if settings.secrets_dir is None:
        refuse("PLUT_SECRETS_DIR", "is missing", "set it to the directory that keeps the issuer's keys")
    log.configure(settings, "issuer", "issuer")
    run(serve(create_issuer(settings, Vault(settings.secrets_dir)), settings))


if __name__ == "__main__":
    main()
