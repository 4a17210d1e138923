"""The Add Brand form over HTTP: filled in, corrected, shown."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field

from services.connections import countries
from services.connections.brands import form_rules, models
from services.connections.brands.form_rules import MonthlyOrderRange, Priority
from services.connections.brands.onboarding import BrandForm
from services.connections.mail.kinds import Language
from services.connections.people.http import Name
from services.connections.sessions.http import Email
from services.connections.stores.http import Platform, StoreUrl
from shared.contracts.fields import DISPLAYABLE, Text
from shared.web.parameters import Form

Line = Annotated[str, Field(min_length=1, max_length=200, pattern=DISPLAYABLE)]
Phone = Annotated[
    str,
    BeforeValidator(form_rules.without_spaces),
    Field(
        pattern=form_rules.PHONE, description="E.164, such as +34911234567; spaces are taken out."
    ),
]
Country = Annotated[
    str,
    AfterValidator(countries.country),
    Field(
        description="ISO 3166-1 alpha-2, such as ES.",
        json_schema_extra={"enum": sorted(countries.CODES)},
    ),
]
Priorities = Annotated[list[Priority], Field(max_length=20), AfterValidator(form_rules.each_once)]
Note = Annotated[Text, Field(max_length=500)]


class NewContact(Form):
    """Whom the 3PL talks to at the brand: who reads this address may accept.

    `language` is that of the mails.
    """

    name: Name
    email: Email
    phone: Phone | None = None
    language: Language = "en"


class NewWarehouse(Form):
    """Where the goods are."""

    name: Line | None = None
    address1: Line
    address2: Line | None = None
    city: Line
    zip: Line
    region: Line | None = None
    country: Country


class NewBrand(Form):
    """The Add Brand form."""

    contact: NewContact
    company_name: Name
    store_url: StoreUrl
    platform: Platform = "custom"
    warehouse: NewWarehouse | None = None
    monthly_order_range: MonthlyOrderRange | None = None
    priorities: Priorities = Field(default_factory=list)
    priorities_note: Note | None = None
    send_mail: bool = Field(
        default=False, description="Ask the contact by mail at once, without sharing the link."
    )


class ContactPatch(Form):
    """What changes of the contact; `phone: null` removes it."""

    name: Name | None = None
    email: Email | None = Field(
        default=None, description="Until the brand accepts; links that were mailed before die."
    )
    phone: Phone | None = None
    language: Language | None = None


class BrandPatch(Form):
    """What changes of the form; the store stays.

    Null removes the warehouse, the order range and the note. The warehouse and the priorities are
    replaced as a whole.
    """

    contact: ContactPatch | None = None
    company_name: Name | None = None
    warehouse: NewWarehouse | None = None
    monthly_order_range: MonthlyOrderRange | None = None
    priorities: Priorities | None = None
    priorities_note: Note | None = None


class Contact(BaseModel):
    """Whom the 3PL talks to at the brand."""

    name: str
    email: str
    phone: str | None
    language: Language


class Warehouse(BaseModel):
    """Where the goods are; one that was entered as a text has all of it in `address1`."""

    name: str | None
    address1: str
    address2: str | None
    city: str | None
    zip: str | None
    region: str | None
    country: str | None


def form_of(body: NewBrand) -> BrandForm:
    """The form as it is kept."""
    return BrandForm(
        contact_name=body.contact.name,
        contact_email=body.contact.email,
        contact_phone=body.contact.phone,
        language=body.contact.language,
        company_name=body.company_name,
        platform=body.platform,
        domain=body.store_url,
        warehouse=_warehouse(body.warehouse),
        monthly_order_range=body.monthly_order_range,
        priorities=list(body.priorities),
        priorities_note=body.priorities_note,
    )


def changes_of(body: BrandPatch) -> dict[str, Any]:
    """The fields of the profile that are to change, and to what."""
    contact = body.contact or ContactPatch()
    # Those are never empty: null leaves them as they are.
    kept = {
        "contact_name": contact.name,
        "contact_email": contact.email,
        "language": contact.language,
        "company_name": body.company_name,
        "priorities": body.priorities,
    }
    changes: dict[str, Any] = {name: value for name, value in kept.items() if value is not None}
    if "phone" in contact.model_fields_set:
        changes["contact_phone"] = contact.phone
    if "warehouse" in body.model_fields_set:
        changes["warehouse"] = _warehouse(body.warehouse)
    for name in ("monthly_order_range", "priorities_note"):
        if name in body.model_fields_set:
            changes[name] = getattr(body, name)
    return changes


def _warehouse(given: NewWarehouse | None) -> models.Warehouse | None:
    return models.Warehouse(**given.model_dump()) if given else None
