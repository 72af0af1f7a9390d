"""People as the first of the ancestors had them: with a role."""

from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    """Somebody with a role."""

    role = models.CharField(max_length=20, choices=[("user", "User"), ("admin", "Admin")], default="user")
