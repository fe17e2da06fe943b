from django.apps import AppConfig


class TrustConfig(AppConfig):
    name = "getdata.trust"
    label = "trust"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from getdata.common import crypto
        from getdata.common.sealed_columns import SealedColumn, register
        from getdata.trust import digest_root, signing

        crypto.use_digest_root(digest_root.root)
        register(
            SealedColumn("trust.KeyRoot", "sealed_secret", lambda _: digest_root.SCOPE),
            SealedColumn("trust.SigningKeyVersion", "sealed_seed", lambda _: signing.SCOPE),
        )
