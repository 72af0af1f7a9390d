from django.contrib.auth import authenticate
from django.contrib.auth.models import update_last_login
from django.core.cache import cache
from django.http import HttpResponse
from rest_framework import status
from rest_framework.permissions import AllowAny
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_simplejwt.exceptions import InvalidToken, TokenError
from rest_framework_simplejwt.serializers import TokenRefreshSerializer
from rest_framework_simplejwt.tokens import RefreshToken

from .models import User
from .serializers import (
    LoginSerializer,
    ProfileSerializer,
    PublicSerializer,
    RefreshSerializer,
    RegisterSerializer,
    UserSerializer,
)

LIST_TTL = 15 * 60


class Register(APIView):
    authentication_classes = []
    permission_classes = [AllowAny]

    def post(self, request):
        serializer = RegisterSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        user = serializer.save()
        cache.set("users-generation", user.pk.hex, None)
        return Response(ProfileSerializer(user).data, status=status.HTTP_201_CREATED)


class Login(APIView):
    authentication_classes = []
    permission_classes = [AllowAny]

    def post(self, request):
        serializer = LoginSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        user = authenticate(request, **serializer.validated_data)
        if user is None:
            return Response({"detail": "Invalid credentials"}, status=status.HTTP_401_UNAUTHORIZED)
        update_last_login(None, user)
        refresh = RefreshToken.for_user(user)
        return Response(
            {
                "message": "Login successful",
                "access_token": str(refresh.access_token),
                "refresh_token": str(refresh),
                "token_type": "Bearer",
                "expires_in": int(refresh.access_token.lifetime.total_seconds()),
                "user": UserSerializer(user).data,
            }
        )


class Refresh(APIView):
    authentication_classes = []
    permission_classes = [AllowAny]

    def post(self, request):
        token = request.headers.get("X-Refresh-Token")
        if token is None:
            serializer = RefreshSerializer(data=request.data)
            serializer.is_valid(raise_exception=True)
            token = serializer.validated_data.get("refresh_token", "")
        serializer = TokenRefreshSerializer(data={"refresh": token})
        try:
            serializer.is_valid(raise_exception=True)
        except TokenError as error:
            raise InvalidToken(error.args[0]) from error
        pair = serializer.validated_data
        return Response(
            {"access_token": pair["access"], "refresh_token": pair["refresh"], "token_type": "Bearer", "expires_in": 300}
        )


class Me(APIView):
    def get(self, request):
        return Response(ProfileSerializer(request.user).data)


class Users(APIView):
    """The rendered bytes are what is cached: the list is the same for everybody."""

    authentication_classes = []
    permission_classes = [AllowAny]

    def get(self, request):
        try:
            limit = min(max(int(request.query_params.get("limit", 50)), 1), 1000)
        except ValueError:
            return Response({"limit": ["A valid integer is required."]}, status=status.HTTP_400_BAD_REQUEST)
        key = f"users:{cache.get('users-generation')}:{limit}"
        body = cache.get(key)
        if body is None:
            rows = User.objects.filter(is_active=True).order_by("id")[:limit]
            body = JSONRenderer().render(PublicSerializer(rows, many=True).data)
            cache.set(key, body, LIST_TTL)
        return HttpResponse(body, content_type="application/json")
