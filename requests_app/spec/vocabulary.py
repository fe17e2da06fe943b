"""The closed vocabularies of a dataset request. The values are what the JSON document carries."""

from enum import StrEnum


class Level(StrEnum):
    """How binding a line is: a broken "must" refuses, a broken "should" is reported."""

    MUST = "must"
    SHOULD = "should"


class Category(StrEnum):
    """What the request is about; it decides which defaults and which checks make sense."""

    CXR = "cxr"
    CT = "ct"
    CARDIAC = "cardiac"

    @property
    def plain(self) -> str:
        return {"cxr": "Chest X-ray", "ct": "Cross-sectional (CT)", "cardiac": "Cardiac"}[self.value]


class View(StrEnum):
    """A projection, spelled as DICOM ViewPosition spells it where it does (PS3.3 C.8.1.3)."""

    PA = "PA"
    AP = "AP"
    LATERAL = "LATERAL"
    LL = "LL"
    RL = "RL"

    @property
    def plain(self) -> str:
        return {
            "PA": "PA",
            "AP": "AP",
            "LATERAL": "lateral",
            "LL": "left lateral",
            "RL": "right lateral",
        }[self.value]

    def covers(self, view: str | None) -> bool:
        """True if an image of this view meets a request for it: LATERAL takes either side."""
        if self is View.LATERAL:
            return view in {"LATERAL", "LL", "RL"}
        return view == self.value


class Position(StrEnum):
    """How the patient was placed."""

    ERECT = "erect"
    SEMI_ERECT = "semi_erect"
    SUPINE = "supine"

    @property
    def plain(self) -> str:
        return self.value.replace("_", "-")


class Sex(StrEnum):
    """PatientSex as DICOM codes it (PS3.3 C.7.1.1)."""

    FEMALE = "F"
    MALE = "M"
    OTHER = "O"

    @property
    def plain(self) -> str:
        return {"F": "female", "M": "male", "O": "other sex"}[self.value]


class CountUnit(StrEnum):
    """What a quota counts. A patient counts once, however many of their images match."""

    IMAGES = "images"
    PATIENTS = "patients"
    STUDIES = "studies"


class QuotaCounting(StrEnum):
    """What an image counts for that matches several quotas: every one of them, or one only."""

    EVERY = "every"
    ONCE = "once"

    @property
    def plain(self) -> str:
        return {
            "every": "an image counts in every quota that it matches",
            "once": "an image counts in one quota only, where it helps most",
        }[self.value]


class ShareAxis(StrEnum):
    """What "at most x % from one ..." is about."""

    SITE = "site"
    SCANNER = "scanner"
    VENDOR = "vendor"
    SEX = "sex"
    VIEW = "view"
    PATIENT = "patient"

    @property
    def plain(self) -> str:
        return {
            "site": "hospital",
            "scanner": "scanner model",
            "vendor": "manufacturer",
            "sex": "sex",
            "view": "projection",
            "patient": "patient",
        }[self.value]


class AnnotationType(StrEnum):
    """How closely a finding is marked."""

    IMAGE = "image"
    BOX = "box"
    POLYGON = "polygon"
    MASK = "mask"

    @property
    def plain(self) -> str:
        return {
            "image": "image-level label",
            "box": "bounding box",
            "polygon": "polygon outline",
            "mask": "segmentation mask",
        }[self.value]


class LabelMethod(StrEnum):
    """Where a label comes from."""

    ANY = "any"
    REPORT_NLP = "report_nlp"
    REPORT_READ = "report_read"
    IMAGE_READ = "image_read"

    @property
    def plain(self) -> str:
        return {
            "any": "any source",
            "report_nlp": "taken from reports by software",
            "report_read": "taken from reports by a person",
            "image_read": "read from the image by a radiologist",
        }[self.value]


class Adjudication(StrEnum):
    """How readers who disagree are settled."""

    NONE = "none"
    MAJORITY = "majority"
    CONSENSUS = "consensus"
    SENIOR = "senior"


class UncertainAs(StrEnum):
    """What becomes of a label that is not certain."""

    PRESENT = "present"
    UNCERTAIN = "uncertain"
    ABSENT = "absent"
    EXCLUDE = "exclude"


class NotMentionedAs(StrEnum):
    """What becomes of a finding that nobody mentioned."""

    BLANK = "blank"
    ABSENT = "absent"


class ReportLinkage(StrEnum):
    NONE = "none"
    OPTIONAL = "optional"
    REQUIRED = "required"


class DeidPolicyName(StrEnum):
    """The de-identification policies that the portal's engine ships."""

    CXR_RESEARCH = "cxr-research"
    SAFE_HARBOR = "safe-harbor"
    LIMITED_DATA_SET = "limited-data-set"


class DatesHandling(StrEnum):
    REMOVED = "removed"
    YEAR_ONLY = "year_only"
    SHIFTED = "shifted"
    KEPT = "kept"


class DeviceHandling(StrEnum):
    REMOVED = "removed"
    MAKE_AND_MODEL = "make_and_model"


class CharacteristicsHandling(StrEnum):
    """Sex, age (90 and over pooled), size and weight."""

    KEPT = "kept"
    REMOVED = "removed"


class Presentation(StrEnum):
    """PresentationIntentType of DX images (PS3.3 C.8.11.1)."""

    ANY = "any"
    FOR_PRESENTATION = "FOR PRESENTATION"
    FOR_PROCESSING = "FOR PROCESSING"


class QualityComponent(StrEnum):
    """The components of the quality score that a request can set a minimum for (docs/quality-score.md)."""

    RESOLUTION = "resolution"
    SHARPNESS = "sharpness"
    NOISE = "noise"
    DEPTH = "depth"
    CLIPPING = "clipping"
    BLOCKINESS = "blockiness"
    CONTRAST = "contrast"
    COVERAGE = "coverage"

    @property
    def asks(self) -> str:
        """What it asks of a picture, in a few words."""
        return {
            "resolution": "real detail, not enlarged",
            "sharpness": "edges that are not soft",
            "noise": "little grain",
            "depth": "enough grey levels",
            "clipping": "nothing burned out or drowned in black",
            "blockiness": "no traces of JPEG",
            "contrast": "structures that stand out",
            "coverage": "the chest is whole, not cropped",
        }[self.value]


class ImageFormat(StrEnum):
    DICOM = "dicom"
    PNG16 = "png16"
    PNG8 = "png8"

    @property
    def plain(self) -> str:
        return {"dicom": "DICOM", "png16": "16-bit PNG", "png8": "8-bit windowed PNG"}[self.value]


class LabelFormat(StrEnum):
    GENERIC_CSV = "generic_csv"
    CHEXPERT_CSV = "chexpert_csv"
    PARQUET = "parquet"
    COCO = "coco"
    DICOM_SR = "dicom_sr"
    DICOM_SEG = "dicom_seg"

    @property
    def plain(self) -> str:
        return {
            "generic_csv": "CSV",
            "chexpert_csv": "CheXpert-style CSV",
            "parquet": "Parquet",
            "coco": "COCO",
            "dicom_sr": "DICOM SR",
            "dicom_seg": "DICOM SEG",
        }[self.value]


class IntendedUse(StrEnum):
    ACADEMIC_RESEARCH = "academic_research"
    COMMERCIAL_DEVELOPMENT = "commercial_development"
    REGULATORY_VALIDATION = "regulatory_validation"
    EXTERNAL_VALIDATION = "external_validation"
    EDUCATION = "education"

    @property
    def plain(self) -> str:
        return self.value.replace("_", " ")


class Sharing(StrEnum):
    NAMED_TEAM = "named_team"
    ORGANIZATION = "organization"
    COLLABORATORS = "collaborators"
    PUBLIC = "public"

    @property
    def plain(self) -> str:
        return {
            "named_team": "the named team only",
            "organization": "the researcher's organisation",
            "collaborators": "named collaborators under the same terms",
            "public": "the public",
        }[self.value]
