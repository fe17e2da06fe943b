"""Settings of signing in: passwords, second factors, sessions, limits; ``getdata.settings`` takes them. See ``docs/sign-in.md``."""

import environ

env = environ.Env()
PRODUCTION: bool = env.str("GETDATA_ENV", default="embedded") == "production"

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "getdata.accounts.passwords.NoUsualShape"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "dashboard"
LOGOUT_REDIRECT_URL = "home"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_SIGNUP_FORM_CLASS = "getdata.accounts.forms.SignupDetails"
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_SUBJECT_PREFIX = "GetDATA: "
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True  # in the browser that signed up; an invited person lands on the invitation
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if PRODUCTION else "http"
ACCOUNT_ADAPTER = "getdata.accounts.adapter.AccountAdapter"
#: Seconds for which a second factor counts as shown just now: signatures, releases, revocations, keys.
ACCOUNT_REAUTHENTICATION_TIMEOUT = 600
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "GetDATA"
# An account opens only by a confirmed address here, so a second address that is not confirmed yet endangers nobody's first.
MFA_ALLOW_UNVERIFIED_EMAIL = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True  # before addresses or the password are changed
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not PRODUCTION  # browsers take localhost as secure, allauth's server side only so
MFA_ADAPTER = "getdata.accounts.adapter.SecondFactorAdapter"
MFA_FORMS = {
    "authenticate": "getdata.accounts.forms.SecondStepForm",
    "reauthenticate": "getdata.accounts.forms.SecondStepAgainForm",
}
#: A code that stands for everybody's second step in a demonstration on one machine (`make run`). Refused in production.
DEMO_CODE: str = env.str("GETDATA_DEMO_CODE", default="")
INVITATION_DAYS = 14

# --- sessions --------------------------------------------------------------------------------------------------------
#: Seconds without a sign of life after which a session that has opened something where identity may be seen ends.
IDLE_SECONDS: int = env.int("GETDATA_IDLE_SECONDS", default=15 * 60)
#: Seconds before that at which the page says so and asks.
IDLE_WARNING_SECONDS: int = env.int("GETDATA_IDLE_WARNING_SECONDS", default=2 * 60)

# --- limits ----------------------------------------------------------------------------------------------------------
#: Beside allauth's own (attempts to sign in: 5 in 5 minutes for an account, 10 a minute for an address): letters of a reset.
ACCOUNT_RATE_LIMITS = {"reset_password": "20/m/ip,5/h/key"}
#: Unknown tokens that one address may present before it has to wait, and for how long (seconds).
MAX_UNKNOWN_TOKENS = 30
UNKNOWN_TOKENS_SECONDS = 10 * 60
