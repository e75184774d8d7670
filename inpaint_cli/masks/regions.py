"""The parts of a face that masks may hide, each as a box between landmarks; `faces.py` draws them."""

# region: left, right, top, bottom edge, each an anchor and an offset in distances between the eyes.
REGIONS = {
    "left-eye": (("left eye", -0.5), ("left eye", 0.5), ("left eye", -0.5), ("left eye", 0.4)),
    "right-eye": (("right eye", -0.5), ("right eye", 0.5), ("right eye", -0.5), ("right eye", 0.4)),
    "both-eyes": (("left eye", -0.5), ("right eye", 0.5), ("eyes", -0.5), ("eyes", 0.4)),
    "upper": (("middle", -0.9), ("middle", 0.9), ("eyes", -0.5), ("nose", 0.0)),
    "left-half": (("middle", -0.9), ("middle", 0.0), ("eyes", -0.5), ("mouth", 0.5)),
    "right-half": (("middle", 0.0), ("middle", 0.9), ("eyes", -0.5), ("mouth", 0.5)),
    "lower": (("middle", -0.75), ("middle", 0.75), ("nose", 0.0), ("mouth", 0.5)),
    "mouth": (("left mouth", -0.25), ("right mouth", 0.25), ("mouth", -0.4), ("mouth", 0.4)),
}
