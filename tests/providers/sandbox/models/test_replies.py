"""What the obedient model says to plain questions."""

import pytest

from providers.sandbox.models.replies import reply


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("Reply with exactly: ok", "ok"),
        ("Reply with exactly the word PONG and nothing else.", "PONG"),
        ("Respond with only 'hello there'.", "hello there"),
        ("Please say hello.", "hello"),
        ("Repeat after me: one fish, two fish", "one fish, two fish"),
        ("Answer with the single word YES", "YES"),
        ("Say exactly `a.b`", "a.b"),
        ("请只回复「好」", "好"),
        ("Count to 5", "1, 2, 3, 4, 5"),
        ("Count from 3 to 5, one per line", "3\n4\n5"),
        ("What is 17*23?", "17 * 23 = 391"),
        ("What is 2 plus 2? Answer with only the number.", "4"),
        ("What is the capital of France?", "The capital of France is Paris."),
        ("How many r's are in strawberry?", "3"),
        ("Tell me something", None),
        ("Hi", None),
        ("Good morning", None),
    ],
)
def test_plain_questions(question: str, said: str | None) -> None:
    assert reply(question, ()) == said


@pytest.mark.parametrize(
    ("earlier", "question", "said"),
    [
        (["My name is Bob."], "What is my name?", "Your name is Bob."),
        (["Hi, I'm Ada and I like tea"], "What's my name?", "Your name is Ada."),
        (["The code word is xyzzy."], "What is the code word I told you?", "The code word is xyzzy."),
        (["my favourite colour is blue", "my favourite colour is red"], "what is my favourite colour?", "red"),
        (["first thing", "second thing"], "What did I say first?", "first thing"),
        (["first thing", "second thing"], "What was my previous message?", "second thing"),
    ],
)
def test_what_was_said_before_is_remembered(earlier: list[str], question: str, said: str) -> None:
    assert said in str(reply(question, earlier))


def test_a_length_is_kept_to() -> None:
    assert len(str(reply("Write a story of 120 words", ())).split()) == 120
