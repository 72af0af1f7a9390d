from accounts.models import User
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Makes people who cannot log in, for the list of users."

    def add_arguments(self, parser):
        parser.add_argument("count", type=int)

    def handle(self, *args, count, **options):
        people = (
            User(username=f"person{number:07}", email=f"person{number:07}@example.com", password="!")
            for number in range(count)
        )
        made = User.objects.bulk_create(people, batch_size=500)
        self.stdout.write(f"{len(made)} people")
