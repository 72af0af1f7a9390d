"""The walk through every route, of which client_files.py makes the files that people import.

A new route takes its step here; `interop/client_files.py` then writes the files anew.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Step:
    """One request of the walk. In its texts {{name}} is a variable."""

    name: str
    method: str
    path: str
    status: int
    body: "dict | None" = None
    # The variable with the access token that is sent.
    bearer: "str | None" = None
    headers: dict = field(default_factory=dict)
    # Variables that are set from the answer, each to an expression of JavaScript that begins with `body`.
    keeps: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Part:
    """Some steps under one heading."""

    name: str
    about: str
    steps: "tuple[Step, ...]"
    # Whether the part needs an owner, whom nobody can make over the network.
    needs_owner: bool = False


# With their first values; whoever walks as an owner sets those that are empty. The Postman collection takes a new
# username for each walk, so that several people can walk at the same server.
VARIABLES = {
    "base_url": "http://127.0.0.1:8000",
    "username": "walker",
    "password": "Walks-through-7-routes",
    "new_password": "Walked-through-8-routes",
    "owner_username": "",
    "owner_password": "",
    "docs_file": "swagger-ui.css",
}

CREDENTIALS = {"username": "{{username}}", "password": "{{password}}"}
REFRESH = {"refresh": "{{refresh_token}}"}
EMAIL = "{{username}}@example.com"
PAIR = {"access_token": "body.access_token", "refresh_token": "body.refresh_token"}
SIMPLEJWT_PAIR = {"access_token": "body.access", "refresh_token": "body.refresh"}
MINE = "access_token"
OWNERS = "owner_access_token"

SERVER = Part(
    "Server",
    "Is it there, and what can it do?",
    (
        Step("Liveness", "GET", "/livez", 200),
        Step("Readiness", "GET", "/readyz", 200),
        Step("Metrics", "GET", "/metrics", 200),
        Step("Health", "GET", "/api/v1/health", 200),
        Step("Public keys", "GET", "/.well-known/jwks.json", 200),
        Step("Routes", "GET", "/api", 200),
        Step("OpenAPI document", "GET", "/api/openapi.json", 200),
        Step("Swagger UI", "GET", "/api/docs", 200),
        Step("A file of Swagger UI", "GET", "/api/docs/{{docs_file}}", 200),
    ),
)

ACCOUNT = Part(
    "Account",
    "From registration to logout, and in again. The account is deleted further down.",
    (
        Step(
            "Register",
            "POST",
            "/api/v1/user/create",
            201,
            {"username": "{{username}}", "email": EMAIL, "password": "{{password}}"},
        ),
        Step("Log in on one device", "POST", "/api/v1/user/login", 200, CREDENTIALS, keeps=PAIR),
        Step(
            "Log in on another with the email address",
            "POST",
            "/api/v1/user/login",
            200,
            {"email": EMAIL, "password": "{{password}}"},
            keeps=PAIR,
        ),
        Step("Who am I", "GET", "/api/v1/user/me", 200, bearer=MINE),
        Step(
            "Change the email address",
            "PATCH",
            "/api/v1/user/me",
            200,
            {"email": "renamed-" + EMAIL, "current_password": "{{password}}"},
            MINE,
        ),
        Step(
            "Change it back",
            "PUT",
            "/api/v1/user/me",
            200,
            {"username": "{{username}}", "email": EMAIL, "current_password": "{{password}}"},
            MINE,
        ),
        Step(
            "Sessions",
            "GET",
            "/api/v1/user/sessions",
            200,
            bearer=MINE,
            keeps={"session_id": "body.find((session) => !session.current).id"},
        ),
        Step("End the session of the other device", "DELETE", "/api/v1/user/sessions/{{session_id}}", 204, bearer=MINE),
        Step("All users", "GET", "/api/v1/users", 200, bearer=MINE),
        Step(
            "Refresh",
            "POST",
            "/api/v1/user/refresh",
            200,
            headers={"X-Refresh-Token": "{{refresh_token}}"},
            keeps=PAIR,
        ),
        Step(
            "Change the password",
            "POST",
            "/api/v1/user/password",
            200,
            {"current_password": "{{password}}", "new_password": "{{new_password}}"},
            MINE,
        ),
        Step(
            "Change it back",
            "POST",
            "/api/v1/user/password",
            200,
            {"current_password": "{{new_password}}", "new_password": "{{password}}"},
            MINE,
        ),
        Step("Log out", "POST", "/api/v1/user/logout", 200, {"refresh_token": "{{refresh_token}}"}, MINE),
        Step("The access token is worth nothing now", "GET", "/api/v1/user/me", 401, bearer=MINE),
        Step("Log in again", "POST", "/api/v1/user/login", 200, CREDENTIALS, keeps=PAIR),
    ),
)

TASKS = Part(
    "Tasks",
    "Something that happens at a time, and is called off before.",
    (
        Step(
            "Make a task",
            "POST",
            "/api/v1/tasks",
            201,
            {"name": "My Task", "scheduled_at": "2099-03-30T12:00:00Z"},
            MINE,
            keeps={"task_id": "body.id"},
        ),
        Step("Tasks", "GET", "/api/v1/tasks", 200, bearer=MINE),
        Step("A task", "GET", "/api/v1/tasks/{{task_id}}", 200, bearer=MINE),
        Step("How far is it", "GET", "/api/v1/tasks/{{task_id}}/status", 200, bearer=MINE),
        Step("Cancel it", "POST", "/api/v1/tasks/{{task_id}}/cancel", 200, bearer=MINE),
        Step("It cannot be cancelled twice", "POST", "/api/v1/tasks/{{task_id}}/cancel", 409, bearer=MINE),
        Step("Delete it", "DELETE", "/api/v1/tasks/{{task_id}}", 204, bearer=MINE),
    ),
)

API_KEYS = Part(
    "API keys",
    "Keys for programs, which other services can ask about. All sessions end at the end.",
    (
        Step(
            "Make a key",
            "POST",
            "/api/v1/api-keys",
            201,
            {"name": "backup", "scopes": ["profile:read"]},
            MINE,
            keeps={"key_id": "body.id", "key": "body.key"},
        ),
        Step("Who am I, with the key", "GET", "/api/v1/user/me", 200, headers={"X-API-Key": "{{key}}"}),
        Step("For a service: is the key good", "POST", "/api/v1/api-keys/verify", 200, {"key": "{{key}}"}),
        Step("For a proxy: whose key is it", "GET", "/api/v1/auth/forward", 200, headers={"X-API-Key": "{{key}}"}),
        Step("Keys", "GET", "/api/v1/api-keys", 200, bearer=MINE),
        Step("A key", "GET", "/api/v1/api-keys/{{key_id}}", 200, bearer=MINE),
        Step("Change its name", "PATCH", "/api/v1/api-keys/{{key_id}}", 200, {"name": "nightly backup"}, MINE),
        Step(
            "Regenerate it",
            "POST",
            "/api/v1/api-keys/{{key_id}}/regenerate",
            200,
            {"overlap_seconds": 60},
            MINE,
            keeps={"key": "body.key"},
        ),
        Step("Delete it", "DELETE", "/api/v1/api-keys/{{key_id}}", 204, bearer=MINE),
        Step("It is worth nothing now", "GET", "/api/v1/user/me", 401, headers={"X-API-Key": "{{key}}"}),
        Step("Make or rotate the secret that signs webhooks", "POST", "/api/v1/webhook-secret", 201, bearer=MINE),
        Step("When it was made", "GET", "/api/v1/webhook-secret", 200, bearer=MINE),
        Step("Log out everywhere", "POST", "/api/v1/user/logout-all", 200, bearer=MINE),
    ),
)

SIMPLEJWT = Part(
    "simplejwt",
    "The routes of djangorestframework-simplejwt, in its names. The account of the walk is deleted at the end.",
    (
        Step("Obtain a pair", "POST", "/api/v1/auth/token", 200, CREDENTIALS, keeps=SIMPLEJWT_PAIR),
        Step("Refresh", "POST", "/api/v1/auth/token/refresh", 200, REFRESH, keeps=SIMPLEJWT_PAIR),
        Step("Verify", "POST", "/api/v1/auth/token/verify", 200, {"token": "{{access_token}}"}),
        Step("Blacklist", "POST", "/api/v1/auth/token/blacklist", 200, REFRESH),
        Step("Obtain another pair", "POST", "/api/v1/auth/token", 200, CREDENTIALS, keeps=SIMPLEJWT_PAIR),
        Step("Delete the account", "DELETE", "/api/v1/user/me", 204, {"current_password": "{{password}}"}, MINE),
    ),
)

ANCESTORS = Part(
    "Ancestors",
    "The routes of the Django services that Doorward replaces. The account that they make is deleted at the end.",
    (
        Step("Health", "GET", "/api/health", 200),
        Step(
            "Register",
            "POST",
            "/api/register",
            201,
            {"username": "{{username}}", "email": EMAIL, "password": "{{password}}"},
        ),
        Step("Log in with the username", "POST", "/api/login", 200, CREDENTIALS, keeps=SIMPLEJWT_PAIR),
        Step("Refresh a JWT", "POST", "/api/token/refresh", 200, REFRESH, keeps=SIMPLEJWT_PAIR),
        Step("Profile", "GET", "/api/profile", 200, bearer=MINE),
        Step(
            "Log in with the email address",
            "POST",
            "/api/login",
            200,
            {"email": EMAIL, "password": "{{password}}"},
            keeps=PAIR,
        ),
        Step("Refresh a UUID", "POST", "/api/refresh", 200, {"refresh_token": "{{refresh_token}}"}, keeps=PAIR),
        Step("Who am I", "GET", "/api/me", 200, bearer=MINE),
        Step("Change the username", "PUT", "/api/me", 200, {"username": "{{username}}-2"}, MINE),
        Step("Delete the account", "DELETE", "/api/v1/user/me", 204, {"current_password": "{{password}}"}, MINE),
    ),
)

OWNER = Part(
    "Owner",
    "For owners: `doorward createsuperuser` makes one, whose name and password go into the variables.",
    (
        Step(
            "Log in as an owner",
            "POST",
            "/api/v1/user/login",
            200,
            {"username": "{{owner_username}}", "password": "{{owner_password}}"},
            keeps={OWNERS: "body.access_token", "owner_refresh_token": "body.refresh_token"},
        ),
        Step("Users, as an ancestor told them", "GET", "/api/users", 200, bearer=OWNERS),
        Step(
            "Make an account, as an ancestor did",
            "POST",
            "/api/account/create",
            201,
            {"username": "{{username}}", "email": EMAIL, "password": "{{password}}"},
            OWNERS,
            keeps={"user_id": "body.id"},
        ),
        Step("A user", "GET", "/api/v1/users/{{user_id}}", 200, bearer=OWNERS),
        Step("Log in as the user", "POST", "/api/v1/user/login", 200, CREDENTIALS, keeps=PAIR),
        Step(
            "Make a key as the user",
            "POST",
            "/api/v1/api-keys",
            201,
            {"name": "backup"},
            MINE,
            keeps={"key_id": "body.id"},
        ),
        Step("His keys", "GET", "/api/v1/users/{{user_id}}/api-keys", 200, bearer=OWNERS),
        Step("Delete his key", "DELETE", "/api/v1/users/{{user_id}}/api-keys/{{key_id}}", 204, bearer=OWNERS),
        Step("Make an admin of him", "PATCH", "/api/v1/users/{{user_id}}", 200, {"role": "admin"}, OWNERS),
        Step("What was done to him", "GET", "/api/v1/audit?subject={{user_id}}", 200, bearer=OWNERS),
        Step("Delete the user", "DELETE", "/api/v1/users/{{user_id}}", 204, bearer=OWNERS),
        Step("All settings", "GET", "/api/v1/settings", 200, bearer=OWNERS),
        Step("Change settings, here none", "PATCH", "/api/v1/settings", 200, {}, OWNERS),
        Step("Log out, as with an ancestor", "POST", "/api/logout", 200, {"refresh_token": "{{owner_refresh_token}}"}),
    ),
    needs_owner=True,
)

PARTS = (SERVER, ACCOUNT, TASKS, API_KEYS, SIMPLEJWT, ANCESTORS, OWNER)
