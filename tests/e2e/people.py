"""``python -m tests.e2e.people``: make the cast of the end-to-end tests in the portal of this environment; prints JSON."""

from __future__ import annotations

import json
import os

import django


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "getdata.settings")
    django.setup()
    from getdata.accounts.models import Role
    from getdata.accounts.tokens import SCOPES, make_token
    from tests import factories

    lab = factories.OrganizationFactory.create(name="Institute of Chest Imaging", slug="institute", country="GB")
    other = factories.OrganizationFactory.create(name="Another Group", slug="another", country="FR")
    hospitals = [
        factories.HospitalFactory.create(name=f"Participating Clinic {letter}", slug=f"clinic-{letter.lower()}")
        for letter in ("A", "B")
    ]
    cast = {
        "researcher": factories.member(lab, Role.OWNER, name="Ada Okafor"),
        "outsider": factories.member(other, Role.OWNER, name="Otto Side"),
        "hospital_a": factories.member(hospitals[0], Role.OWNER, name="Jonas Weber"),
        "hospital_b": factories.member(hospitals[1], Role.OWNER, name="Marta Ruiz"),
        "reviewer": factories.ReviewerFactory.create(name="Rune Halvorsen"),
        "administrator": factories.AdministratorFactory.create(name="Lena Fischer"),
    }
    people = {
        role: {
            "email": user.email,
            "name": user.name,
            "token": make_token(user=user, name="end-to-end", scopes=SCOPES)[1],
        }
        for role, user in cast.items()
    }
    slugs = {"researcher": "institute", "hospital_a": "clinic-a", "hospital_b": "clinic-b", "outsider": "another"}
    print(json.dumps({"people": people, "password": factories.PASSWORD, "organizations": slugs}))


if __name__ == "__main__":
    main()
