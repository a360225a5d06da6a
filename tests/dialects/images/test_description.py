"""What /openapi.json says of pictures."""

from addons.dialects.images.description import description


def test_a_change_can_be_asked_for_in_json_and_as_a_form() -> None:
    told = description().operations["images_edits"].request
    assert told is not None
    assert set(told) == {"application/json", "multipart/form-data"}
    form = told["multipart/form-data"]["schema"]
    assert set(form["required"]) == {"model", "prompt", "image"}
    assert "images" not in form["properties"]


def test_the_answer_has_pictures() -> None:
    assert description().schemas["Images"]["required"] == ["data"]
