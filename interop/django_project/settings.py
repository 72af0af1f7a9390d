"""A small Django project with simplejwt, as it stands before its people move to Doorward.

DJANGO_DATABASE is its SQLite file, SECRET_KEY the key that it shares with Doorward, DJANGO_USER_MODEL the model of
its people: Django's own without it.
"""

import os

SECRET_KEY = os.environ["SECRET_KEY"]
AUTH_USER_MODEL = os.environ.get("DJANGO_USER_MODEL", "auth.User")
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "rest_framework",
    "rest_framework_simplejwt.token_blacklist",
]
if AUTH_USER_MODEL == "people.User":
    INSTALLED_APPS.append("people")
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["DJANGO_DATABASE"]}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
ALLOWED_HOSTS = ["testserver"]
PASSWORD_HASHERS = [
    f"django.contrib.auth.hashers.{name}PasswordHasher"
    for name in ("PBKDF2", "PBKDF2SHA1", "Argon2", "BCryptSHA256", "BCrypt", "Scrypt")
]
SIMPLE_JWT = {"ROTATE_REFRESH_TOKENS": True, "BLACKLIST_AFTER_ROTATION": True}
