"""Trade names for tests: the same vectors for the rule and for the function of the database."""

# As typed, and folded.
SPELLINGS = (
    ("UD. Maju  Jaya", "maju jaya"),
    ("CV MADJU DJAYA", "maju jaya"),
    ("Toko Soeharti!", "suharti"),
    ("TK Suharrti", "suharti"),
    ("Café Tjap Koetjing", "cafe cap kucing"),
    ("Cafe\u0301", "cafe"),
    ("Keripik—Singkong (PT)", "keripik singkong"),
    ("Bàtik 007", "batik 007"),
    ("CV", "cv"),
    ("Toko usaha dagang X", "x"),
    ("Ⅷ ﬁne ab_cd ½", "vi fine ab cd 1 2"),
    ("Straße Ştefan", "straße stefan"),
    ("باتيك", "باتيك"),
)
ONE_NAME = (
    ("Batik Maja Sejahtera", "Batk Maja Sejahtra"),
    ("UD Maju Jaya", "Majujaya"),
    ("Toko Soeharti", "TK Suharti"),
    ("Sb. Rejeki", "Sumber Rejeki"),
    ("BAT1K Maja", "Batik Maja"),
    ("Rejeki Sumber", "Sumber Rejeki"),
    ("Wr. Sederhana", "Warung Sederhana"),
)
TWO_NAMES = (
    ("Keripik Bu Siti", "Batik Bu Siti"),
    ("Barokah Zanana", "Barokah Wilonda"),
    ("Batik Sekar Arum", "Batik Sekar Jagad"),
    ("Warung Bu Siti", "Warung Bu Sri"),
    ("Keripik Singkong Melati", "Keripik Singkong Lestari"),
    ("Melati", "Mawar"),
)
