from accounts import views
from django.http import HttpResponse
from django.urls import path

urlpatterns = [
    path("readyz", lambda _: HttpResponse("ok")),
    path("api/v1/user/create", views.Register.as_view()),
    path("api/v1/user/login", views.Login.as_view()),
    path("api/v1/user/refresh", views.Refresh.as_view()),
    path("api/v1/user/me", views.Me.as_view()),
    path("api/v1/users", views.Users.as_view()),
]
