"""The map of East Java: shapes of the kabupaten and kota, and classes of figures to colour them by."""
