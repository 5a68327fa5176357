"""Reference data: region codes (Kemendagri, Kepmendagri 300.2.2-2138/2025; MIT, see LICENSE.wilayah) of East Java."""
