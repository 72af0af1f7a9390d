"""What others make of our tokens: PyJWT, and djangorestframework-simplejwt with its own classes and views."""

import time

import jwt
from django.contrib.auth import get_user_model
from rest_framework.test import APIRequestFactory
from rest_framework_simplejwt import authentication, exceptions, tokens, views

from checks import Bench
from server import PASSWORD, SECRET_KEY, Doorward

CLAIMS = {"token_type", "exp", "iat", "jti", "user_id", "sid", "role"}


def refused(error: type, act: "callable", *arguments: object) -> None:
    """The call has to raise the error."""
    try:
        act(*arguments)
    except error:
        return
    raise AssertionError(f"accepted instead of {error.__name__}")


def simplejwt_classes(bench: Bench) -> None:
    """With the shared key, the classes of simplejwt verify both tokens, and tell them apart."""
    user = bench.server.register("simplejwt")
    pair = bench.server.ask("POST", "/api/v1/auth/token", 200, {"username": "simplejwt", "password": PASSWORD})
    access, refresh = tokens.AccessToken(pair["access"]), tokens.RefreshToken(pair["refresh"])
    assert access["user_id"] == refresh["user_id"] == user["id"]
    assert access["role"] == "user"
    assert CLAIMS <= set(access.payload), access.payload
    assert access["token_type"] == "access" and refresh["token_type"] == "refresh"
    refused(exceptions.TokenError, tokens.AccessToken, pair["refresh"])
    refused(exceptions.TokenError, tokens.RefreshToken, pair["access"])
    refused(exceptions.TokenError, tokens.AccessToken, pair["access"][:-4] + "AAAA")

    request = APIRequestFactory().get("/", HTTP_AUTHORIZATION=f"Bearer {pair['access']}")
    authenticated, _ = authentication.JWTStatelessUserAuthentication().authenticate(request)
    assert authenticated.is_authenticated and authenticated.id == user["id"]


def simplejwt_views(bench: Bench) -> None:
    """The four routes answer as the views of simplejwt do: status, fields and codes."""
    get_user_model().objects.create_user("twin", password=PASSWORD)
    bench.server.register("twin")

    def ask(view: type, path: str, theirs: dict, ours: "dict | None" = None) -> "tuple[dict, dict]":
        """Asks both, simplejwt first, and compares what they answer, which it gives."""
        answer = view.as_view()(APIRequestFactory().post("/", theirs, format="json"))
        told = answer.data
        status = answer.status_code
        ours = bench.server.ask("POST", f"/api/v1/auth/token{path}", status, theirs if ours is None else ours)
        said = f"{path} {sorted(theirs)}: {status}, simplejwt {told}, Doorward {ours}"
        if status == 200:
            assert set(told) == set(ours), said
        elif status == 400:
            # A problem has the bad fields in `errors`.
            assert set(told) <= set(ours["errors"]), said
        else:
            assert told["detail"].code == ours["code"], said
            # simplejwt has several texts for a bad token.
            assert str(told["detail"]) == ours["detail"] or ours["code"] == "token_not_valid", said
        assert status in (200, 400, 401), said
        return told, ours

    good = {"username": "twin", "password": PASSWORD}
    ask(views.TokenObtainPairView, "", {**good, "password": "another"})
    ask(views.TokenObtainPairView, "", {})
    for view, path, name in (
        (views.TokenRefreshView, "/refresh", "refresh"),
        (views.TokenVerifyView, "/verify", "token"),
        (views.TokenBlacklistView, "/blacklist", "refresh"),
    ):
        ask(view, path, {})
        ask(view, path, {name: "garbage"})
    # From here on each is asked with its own tokens.
    theirs, ours = ask(views.TokenObtainPairView, "", good)
    ask(views.TokenVerifyView, "/verify", {"token": theirs["access"]}, {"token": ours["access"]})
    ask(views.TokenVerifyView, "/verify", {"token": theirs["refresh"]}, {"token": ours["refresh"]})
    theirs, ours = ask(views.TokenRefreshView, "/refresh", {"refresh": theirs["refresh"]}, {"refresh": ours["refresh"]})
    last = {"refresh": theirs["refresh"]}, {"refresh": ours["refresh"]}
    assert ask(views.TokenBlacklistView, "/blacklist", *last) == ({}, {})
    _, refused_by_us = ask(views.TokenRefreshView, "/refresh", *last)
    assert refused_by_us["code"] == "token_not_valid", refused_by_us


def pyjwt_shared_key(bench: Bench) -> None:
    """PyJWT verifies with the shared key, and with no other."""
    bench.server.register("pyjwt")
    access = bench.server.log_in("pyjwt")["access_token"]
    claims = jwt.decode(access, SECRET_KEY, algorithms=["HS256"], options={"require": sorted(CLAIMS)})
    assert claims["token_type"] == "access"
    refused(jwt.InvalidSignatureError, jwt.decode, access, SECRET_KEY[::-1], ["HS256"])
    assert bench.server.ask("GET", "/.well-known/jwks.json", 200) == {"keys": []}


def pyjwt_key_pair(algorithm: str) -> "callable":
    """PyJWT verifies with the published keys, and goes on doing so through a rotation."""

    def check(bench: Bench) -> None:
        folder = bench.folder / algorithm
        with Doorward(bench.binary, folder, JWT_ALGORITHM=algorithm) as server:
            server.register("pyjwt")

            def key_id(token: str) -> str:
                """Verifies a token, with keys that are asked for anew."""
                keys = jwt.PyJWKClient(f"{server.url}/.well-known/jwks.json")
                claims = jwt.decode(token, keys.get_signing_key_from_jwt(token), algorithms=[algorithm])
                assert claims["token_type"] == "access" and CLAIMS <= set(claims), claims
                return jwt.get_unverified_header(token)["kid"]

            before = server.log_in("pyjwt")["access_token"]
            first = key_id(before)
            published = {key["kid"] for key in server.ask("GET", "/.well-known/jwks.json", 200)["keys"]}
            server.run("keys", "rotate", "--now")
            after = rotated(server, first)
            assert key_id(before) == first, "a token of before the rotation does not verify"
            assert key_id(after) in published - {first}, "the next key had not been published before it signed"
            server.ask("GET", "/api/v1/user/me", 200, bearer=before)

    check.__doc__ = pyjwt_key_pair.__doc__
    return check


def rotated(server: Doorward, first: str) -> str:
    """A token of the next key, which a running server uses within a second."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        token = server.log_in("pyjwt")["access_token"]
        if jwt.get_unverified_header(token)["kid"] != first:
            return token
    raise AssertionError("the server goes on signing with the key of before the rotation")
