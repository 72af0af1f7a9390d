import os

from django.contrib.auth.hashers import BCryptSHA256PasswordHasher


class Bcrypt(BCryptSHA256PasswordHasher):
    """As Django has it, with the cost that is asked for."""

    rounds = int(os.environ.get("BCRYPT_COST", "12"))
