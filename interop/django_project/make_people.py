"""Fills the project with people: one for each way in which Django stores passwords, and one for each flag."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.contrib.auth.hashers import make_password  # noqa: E402

PASSWORD = os.environ["DJANGO_PASSWORD"]
FORMATS = ("pbkdf2_sha256", "pbkdf2_sha1", "argon2", "bcrypt_sha256", "bcrypt", "scrypt")


def main() -> None:
    """Makes everybody."""
    people = get_user_model()
    for name in FORMATS:
        password = make_password(PASSWORD, hasher=name)
        people.objects.create(username=name, email=f"{name}@example.com", password=password)
    # The quickest of them for the others, whose flags matter.
    password = make_password(PASSWORD, hasher="argon2")
    people.objects.create(username="superuser", password=password, is_superuser=True, is_staff=True)
    people.objects.create(username="staff", email="staff@example.com", password=password, is_staff=True)
    people.objects.create(username="inactive", email="inactive@example.com", password=password, is_active=False)
    people.objects.create(username="same_email", email="Staff@example.com", password=password)
    people.objects.create(username="unusable", email="unusable@example.com", password=make_password(None))
    if hasattr(people, "role"):
        people.objects.create(username="by_role", email="role@example.com", password=password, role="admin")


main()
