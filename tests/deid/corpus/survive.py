"""What must survive: technique, geometry and display attributes with values that real devices write."""

from __future__ import annotations

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from tests.deid.corpus.identity import Rng

# keyword -> values to choose among. All are kept under every shipped policy.
TECHNIQUE: dict[str, tuple[object, ...]] = {
    "ViewPosition": ("PA", "AP", "LL", "RL", "LLO", "RLO"),
    "PatientOrientation": (["L", "F"], ["R", "F"], ["A", "F"], ["P", "F"]),
    "KVP": ("120", "80.5", "125", "66"),
    "ExposureTime": ("12", "7", "160"),
    "XRayTubeCurrent": ("250", "320"),
    "Exposure": ("3", "12"),
    "ExposureInuAs": ("2500", "12000"),
    "ExposureTimeInuS": ("8400", "12500.5"),
    "XRayTubeCurrentInuA": ("320000", "250000"),
    "DistanceSourceToDetector": ("1800", "1830.2"),
    "DistanceSourceToPatient": ("1650", "1100"),
    "EstimatedRadiographicMagnificationFactor": ("1.1", "1"),
    "ImagerPixelSpacing": (["0.143", "0.143"], ["0.2", "0.2"], ["0.139", "0.139"]),
    "PixelSpacing": (["0.143", "0.143"], ["0.175", "0.175"]),
    "PixelSpacingCalibrationType": ("GEOMETRY", "FIDUCIAL"),
    "Grid": ("IN", "NONE", ["FOCUSED", "PARALLEL"], ["FIXED", "CROSSED"], "RECIPROCATING"),
    "GridFocalDistance": ("1800",),
    "GridPitch": ("0.5",),
    "GridAspectRatio": (["8", "1"], ["12", "1"]),
    "GridAbsorbingMaterial": ("LEAD",),
    "GridSpacingMaterial": ("ALUMINUM",),
    "FocalSpots": ("1.2", "0.6"),
    "FilterType": ("NONE", "STRIP", "FLAT", "MULTIPLE"),
    "FilterMaterial": (["ALUMINUM", "COPPER"], "ALUMINUM"),
    "FilterThicknessMinimum": (["1", "0.1"], "2"),
    "FilterThicknessMaximum": (["1", "0.1"], "2"),
    "AnodeTargetMaterial": ("TUNGSTEN", "MOLYBDENUM"),
    "BodyPartThickness": ("240",),
    "EntranceDose": (2, 11),
    "EntranceDoseInmGy": ("0.14",),
    "ImageAndFluoroscopyAreaDoseProduct": ("1.25", "0.873"),
    "ExposureIndex": ("412", "1630"),
    "TargetExposureIndex": ("400",),
    "DeviationIndex": ("-1.2", "0.4"),
    "Sensitivity": ("200", "400"),
    "RelativeXRayExposure": (1423, 302),
    "ExposureControlMode": ("AUTOMATIC", "MANUAL"),
    "ExposureStatus": ("NORMAL", "ABORTED"),
    "RectificationType": ("CONST POTENTIAL", "HIGH FREQUENCY"),
    "PhototimerSetting": ("1",),
    "DetectorType": ("SCINTILLATOR", "DIRECT", "STORAGE"),
    "DetectorConfiguration": ("AREA", "SLOT"),
    "DetectorActiveShape": ("RECTANGLE",),
    "DetectorActiveDimensions": (["430", "350"],),
    "DetectorActiveOrigin": (["0", "0"],),
    "DetectorElementPhysicalSize": (["0.143", "0.143"],),
    "DetectorElementSpacing": (["0.143", "0.143"],),
    "DetectorBinning": (["1", "1"],),
    "DetectorTemperature": ("28.4",),
    "DetectorConditionsNominalFlag": ("YES", "NO"),
    "DetectorActivationOffsetFromExposure": ("1.5",),
    "DetectorTimeSinceLastExposure": ("34000",),
    "ExposuresOnDetectorSinceLastCalibration": ("120",),
    "FieldOfViewShape": ("RECTANGLE", "ROUND"),
    "FieldOfViewDimensions": (["430", "350"],),
    "FieldOfViewOrigin": (["12", "8"],),
    "FieldOfViewRotation": ("90", "0"),
    "FieldOfViewHorizontalFlip": ("YES", "NO"),
    "PositionerType": ("COLUMN", "NONE", "CARM"),
    "PositionerPrimaryAngle": ("0.5",),
    "PositionerSecondaryAngle": ("-2",),
    "DetectorPrimaryAngle": ("0",),
    "TableType": ("FIXED", "TILTING"),
    "TableAngle": ("0",),
    "ColumnAngulation": ("5",),
    "CollimatorShape": ("RECTANGULAR", "CIRCULAR"),
    "CollimatorLeftVerticalEdge": ("12",),
    "CollimatorRightVerticalEdge": ("1980",),
    "CollimatorUpperHorizontalEdge": ("4",),
    "CollimatorLowerHorizontalEdge": ("2400",),
    "ShutterShape": ("RECTANGULAR", "POLYGONAL"),
    "ShutterLeftVerticalEdge": ("20",),
    "ShutterPresentationValue": (0, 65535),
    "CassetteOrientation": ("LANDSCAPE", "PORTRAIT"),
    "CassetteSize": ("35CMX43CM", "18CMX24CM", "14INX17IN"),
    "PlateType": ("ST", "CR-MD"),
    "AcquisitionDeviceProcessingDescription": ("CHEST PA", "Thorax AP erect"),
    "WindowCenter": ("2048", ["2048", "1800"]),
    "WindowWidth": ("4096", ["4096", "2200"]),
    "WindowCenterWidthExplanation": ("NORMAL", ["NORMAL", "SOFT"]),
    "VOILUTFunction": ("LINEAR", "SIGMOID", "LINEAR_EXACT"),
    "RescaleIntercept": ("0", "-1024"),
    "RescaleSlope": ("1", "0.5"),
    "RescaleType": ("US", "OD"),
    "PixelIntensityRelationship": ("LOG", "LIN", "DISP"),
    "PixelIntensityRelationshipSign": (1, -1),
    "PresentationLUTShape": ("IDENTITY", "INVERSE"),
    "QualityControlImage": ("NO", "YES"),
    "AcquisitionNumber": ("1", "3"),
    "ImagesInAcquisition": ("2",),
    "ImageLaterality": ("U", "B", "L", "R"),
    "PixelAspectRatio": (["1", "1"],),
    "PatientPosition": ("HFS", "FFP"),
    "SpatialResolution": ("0.2",),
    "TimezoneOffsetFromUTC": ("+0100", "-0530"),
    "AcquisitionTime": ("101530", "235959.123"),
    "ContentTime": ("101532.5",),
    "StudyTime": ("100000",),
    "SeriesTime": ("101500",),
    "Manufacturer": ("Philips Medical Systems", "SIEMENS", "GE Healthcare", "FUJIFILM Corporation", "Agfa", "KODAK"),
    "ManufacturerModelName": (
        "DigitalDiagnost",
        "Definium 5000",
        "FCR XG-1",
        "DRX-Evolution",
        "CR 85",
        "AXIOM Aristos FX",
    ),
    "SmokingStatus": ("NO", "UNKNOWN"),
    "PregnancyStatus": (4, 1),
    "PatientSize": ("1.72", "1.6"),
    "PatientWeight": ("71.5", "88"),
    "ReasonForTheRequestedProcedure": ("cough and fever",),
    "AcquisitionProtocolName": ("Chest PA", "THORAX"),
}
_TIMES = ("TimezoneOffsetFromUTC", "AcquisitionTime", "ContentTime", "StudyTime", "SeriesTime")
HARMLESS = (
    "CHEST PA", "XR CHEST 2 VIEWS", "Thorax AP portable", "CHEST LATERAL erect", "chest pain", "rule out pneumonia",
    "Portable AP supine chest", "RIBS left oblique", "PA and lateral", "ICU daily film", "follow up effusion",
    "CHEST FRONTAL 14x17", "120 kV grid",
)  # fmt: skip
_VIEWS = (("399348003", "SCT", "antero-posterior"), ("272479007", "SCT", "postero-anterior"))
_REGIONS = (("51185008", "SCT", "Chest"), ("T-D3000", "SRT", "Chest"))


def put_technique(ds: Dataset, rng: Rng, policy: str) -> dict[str, object]:
    """Set a random two thirds of the technique attributes; returns keyword -> value that must come back."""
    expected: dict[str, object] = {}
    for keyword, choices in TECHNIQUE.items():
        if rng.random() < 0.65:
            value = choices[int(rng.integers(len(choices)))]
            setattr(ds, keyword, value)
            if not (policy == "safe-harbor" and keyword in _TIMES):
                expected[keyword] = value
    return expected


def code_item(value: str, scheme: str, meaning: str) -> Dataset:
    """One item of a code sequence."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def put_codes(ds: Dataset, rng: Rng) -> None:
    """View and region codes, a VOI LUT, as standard objects carry them."""
    ds.ViewCodeSequence = Sequence([code_item(*_VIEWS[int(rng.integers(2))])])
    ds.ViewCodeSequence[0].ViewModifierCodeSequence = Sequence([])
    ds.AnatomicRegionSequence = Sequence([code_item(*_REGIONS[int(rng.integers(2))])])


def put_lut(ds: Dataset, rng: Rng) -> list[int]:
    """A VOI LUT sequence of 64 entries; returns its data."""
    data = [int(v) for v in np_sorted(rng)]
    item = Dataset()
    item.add_new(0x00283002, "US", [64, 0, 16])
    item.LUTExplanation = "NORMAL"
    item.add_new(0x00283006, "US", data)
    ds.VOILUTSequence = Sequence([item])
    return data


def np_sorted(rng: Rng) -> list[int]:
    """64 rising 16-bit numbers."""
    return sorted(int(v) for v in rng.integers(0, 65535, 64))
