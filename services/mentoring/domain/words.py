"""What may be said of a session: its field, its service and its channel."""

from enum import StrEnum


class Field(StrEnum):
    """Bidang pendampingan (domain.md §2.8)."""

    INSTITUTION = "institution"
    HUMAN_RESOURCES = "human_resources"
    PRODUCTION = "production"
    FINANCE = "finance"
    MARKETING = "marketing"
    INFORMATION_TECHNOLOGY = "information_technology"
    COOPERATION_NETWORK = "cooperation_network"


class Service(StrEnum):
    """Layanan (domain.md §2.9)."""

    BUSINESS_MENTORING = "business_mentoring"
    TRAINING = "training"
    SKILL_DEVELOPMENT = "skill_development"
    CAPITAL_ACCESS = "capital_access"
    BUSINESS_CONSULTATION = "business_consultation"
    PRODUCT_MARKETING = "product_marketing"
    INFORMATION_AND_KNOWLEDGE = "information_and_knowledge"
    PARTNERSHIP = "partnership"
    INCUBATION = "incubation"


class Channel(StrEnum):
    OFFICE_VISIT = "office_visit"
    FIELD_VISIT = "field_visit"
    PHONE = "phone"
    VIDEO_CALL = "video_call"
    CHAT = "chat"
