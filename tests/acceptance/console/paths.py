"""The paths of all pages that the console has."""

from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import SecretStr

from relevo.operate import secrets
from services.console.dependencies import Member
from services.console.main import create_app
from services.console.settings import Settings
from shared.web.access import accesses_of

# What is no page of its own: parts of one, files, and what needs what there is not everywhere.
NO_PAGES = {
    "/health/live", "/health/ready", "/metrics", "/orders/counts", "/orders/export",
    "/orders/live", "/connections/{connection_id}/handovers/list",
    "/connections/{connection_id}/handovers/{handover_id}",
    "/shipments/waiting", "/shipments/labels.pdf",
    "/shipments/{shipment_id}/label/{parcel}.{file_format}",
    "/tickets/{ticket_id}/attachments/{attachment_id}",
    "/fees/statement/file", "/fees/entries/{entry_id}",
    "/stores/{store_id}/quarantine/{entry}", "/account/switch/{account_id}",
}  # fmt: skip
OF_THREE_PL_ALONE = {
    "/integrations/add", "/brands/{brand_id}", "/brands/{brand_id}/edit", "/fees/prices/new",
}  # fmt: skip
OF_BRAND_ALONE = {"/invitations", "/webhooks/add"}


def pages(*, of_members: bool) -> list[str]:
    """The paths of all pages there are, of one kind."""
    keys = secrets.generate()["RELEVO_SEALING_KEYS"]
    app = create_app(Settings(postgres_dsn=SecretStr("postgresql://x/x"), sealing_keys=keys))
    found = []
    for route in iter_route_contexts(app.routes):
        is_page = isinstance(route.original_route, APIRoute) and "GET" in (route.methods or ())
        if is_page and route.path not in NO_PAGES:
            is_members = any(type(one) is Member for one in accesses_of(route.dependant))
            if is_members == of_members:
                found.append(route.path or "")
    return found


def pages_of(party: str) -> list[str]:
    """Those that a 3PL or a brand has when it is logged in."""
    others = OF_BRAND_ALONE if party == "three_pl" else OF_THREE_PL_ALONE
    found = [one for one in pages(of_members=True) if one not in others]
    return [one for one in found if party == "brand" or not one.startswith("/stores")]
