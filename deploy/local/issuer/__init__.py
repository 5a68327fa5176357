"""The laptop's OpenID Connect issuer. Services cannot tell it from another one; it refuses to run in production."""
