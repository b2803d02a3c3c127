"""Refusals in the shopper's language.

What other rooms say of a photo or a query is English with figures in it. A sentence that the catalogue has is
translated as it is; any other is said by its code: shorter, and with the same way on.
"""

from dataclasses import replace

from web.language import SOURCE, locale, noted, say
from web.problems import Problem

_SAVE_AS_JPEG = noted("Save the photo as JPEG and choose it again.")
_DROP_IT = noted("Save the picture, then drop it here; or paste the address of the picture itself.")
_AGAIN = noted("Try again in a moment.")
BY_CODE = {
    "image-empty": (noted("The file is empty."), noted("Choose the photo again.")),
    "image-too-large": (noted("The file is larger than 16 MB."), noted("Save it smaller or as JPEG.")),
    "image-format": (noted("This is no JPEG, PNG, WebP or GIF."), _SAVE_AS_JPEG),
    "image-truncated": (
        noted("The file ends before the picture does."),
        noted("Upload the whole file again."),
    ),
    "image-metadata-too-large": (noted("The file carries more text than picture."), _SAVE_AS_JPEG),
    "image-broken": (noted("The picture in this file is damaged."), _SAVE_AS_JPEG),
    "image-decoder-died": (noted("The picture in this file is damaged."), _SAVE_AS_JPEG),
    "image-too-complex": (noted("Decoding this picture takes too much."), noted("Save it smaller, as JPEG.")),
    "image-too-many-pixels": (
        noted("The picture has more than 64 megapixels."),
        noted("Save it with fewer pixels."),
    ),
    "image-too-small": (noted("The picture is too small."), noted("Use a larger photo.")),
    "image-too-narrow": (
        noted("The picture is too narrow a strip."),
        noted("Crop the photo to what it shows."),
    ),
    "image-address": (noted("This is no public address of a picture."), _DROP_IT),
    "image-busy": (noted("Many pictures are being fetched right now."), _AGAIN),
    "image-timeout": (noted("The picture's site does not answer in time."), _DROP_IT),
    "image-unreachable": (noted("The picture's site cannot be reached."), _DROP_IT),
    "image-status": (noted("The picture's site does not give the picture."), _DROP_IT),
    "image-redirects": (noted("The address leads elsewhere too often."), _DROP_IT),
    "photo-gone": (noted("This photo is no longer kept."), noted("Add the photo again.")),
    "photo-missing": (noted("There is no photo in the form."), noted("Choose the photo again.")),
    "words-too-long": (noted("The words are too long."), noted("Leave out what matters least.")),
    "price-range": (noted("The lowest price is above the highest."), noted("Swap the two prices.")),
    "filter-values": (noted("Too many or too long values of a filter."), noted("Choose fewer.")),
    "cursor-of-another-model": (
        noted("The page before came from a model that is no longer kept."),
        noted("Start from the first page."),
    ),
    "cursor-of-another-search": (
        noted("The page before was one of another search."),
        noted("Start from the first page."),
    ),
    "bad-cursor": (noted("This page's address is not whole."), noted("Start from the first page.")),
    "search-unavailable": (noted("Search is taking a short break."), _AGAIN),
    "too-many-requests": (noted("This visitor searches too often."), noted("Wait a moment, then try again.")),
    "invalid": (noted("Some fields cannot be used."), noted("Change what is named.")),
}


def translated(problem: Problem) -> Problem:
    """The same problem in the shopper's language; as it is in English, or where nothing is known of it."""
    if str(locale()) == SOURCE:
        return problem
    message, fix = say(problem.message), say(problem.fix)
    usual = BY_CODE.get("image-status" if problem.code.startswith("image-http-") else problem.code)
    if usual is not None:
        message = message if message != problem.message else say(usual[0])
        fix = fix if fix != problem.fix else say(usual[1])
    return replace(problem, message=message, fix=fix)
