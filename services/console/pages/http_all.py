"""Every screen there is."""

from services.console.pages.account import http as account
from services.console.pages.account import http_audit as audit
from services.console.pages.account import http_people as people
from services.console.pages.act import http as act
from services.console.pages.brands import http as brands
from services.console.pages.carriers import http as carriers
from services.console.pages.connections import http as connections
from services.console.pages.connections import http_handovers as handovers
from services.console.pages.connections import http_history as history
from services.console.pages.connections import http_settings as settings
from services.console.pages.connections import http_switch as switch
from services.console.pages.connections import http_webhook as webhook
from services.console.pages.getting_in import http as getting_in
from services.console.pages.getting_in import http_mailed as mailed
from services.console.pages.help import http as help_pages
from services.console.pages.home import http as home
from services.console.pages.integrations import http as integrations
from services.console.pages.integrations import http_add as add_brand
from services.console.pages.invitations import http as invitations
from services.console.pages.money import http as money
from services.console.pages.money import http_prices as prices
from services.console.pages.operator import http as operator
from services.console.pages.operator import http_help as help_tickets
from services.console.pages.operator import http_prices as platform_prices
from services.console.pages.order_rules import http as order_rules
from services.console.pages.orders import http as orders
from services.console.pages.orders import http_commands as commands
from services.console.pages.orders import http_export as export
from services.console.pages.orders import http_live as live
from services.console.pages.orders import http_views as views
from services.console.pages.shipments import http as shipments
from services.console.pages.shipments import http_commands as shipment_commands
from services.console.pages.shipping_rules import http as shipping_rules
from services.console.pages.shipping_rules import http_reapply as reapply
from services.console.pages.stores import http as stores
from services.console.pages.stores import http_keys as keys
from services.console.pages.stores import http_quarantine as quarantine
from services.console.pages.stores import http_rules as rules
from services.console.pages.tickets import http as tickets
from services.console.pages.webhooks import http as webhooks
from services.console.pages.webhooks import http_deliveries as deliveries

ROUTERS = (
    getting_in.router,
    mailed.router,
    home.router,
    help_pages.router,
    operator.router,
    platform_prices.router,
    help_tickets.router,
    account.router,
    people.router,
    audit.router,
    carriers.router,
    # Before what has an id where `export` stands.
    export.router,
    live.router,
    views.router,
    commands.router,
    orders.router,
    # Before what has an id where `deliveries` stands.
    deliveries.router,
    webhooks.router,
    integrations.router,
    add_brand.router,
    brands.router,
    connections.router,
    handovers.router,
    switch.router,
    settings.router,
    webhook.router,
    order_rules.router,
    reapply.router,
    shipping_rules.router,
    shipments.router,
    shipment_commands.router,
    tickets.router,
    money.router,
    prices.router,
    history.router,
    act.router,
    invitations.router,
    stores.router,
    keys.router,
    rules.router,
    quarantine.router,
)
