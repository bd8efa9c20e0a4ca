"""What schemathesis cannot know: which models there are, and what a stream of lines is. Half of the right requests name a
model that is there, so that loads, pins and runs of chains happen, and not only refusals of names that nobody has."""

import json

import schemathesis

MODELS = ("llama3.1:8b", "qwen3:8b", "smollm2:135m", "llama3.3:70b")


def known(name: str) -> str:
    """By the name itself, so that a request that is repeated is the same."""
    number = sum(name.encode("utf-8", "replace"))
    return MODELS[number // 2 % len(MODELS)] if number % 2 else name


def with_known_models(value):
    """The body with some of its models replaced, those of a chain's steps too."""
    if isinstance(value, list):
        return [with_known_models(each) for each in value]
    if not isinstance(value, dict):
        return value
    out = {name: with_known_models(each) for name, each in value.items()}
    if isinstance(out.get("model"), str):
        out["model"] = known(out["model"])
    if isinstance(out.get("models"), list):
        out["models"] = [known(each) if isinstance(each, str) else each for each in out["models"]]
    return out


@schemathesis.hook
def before_call(context, case, kwargs):
    is_right = case.meta is None or case.meta.generation.mode.is_positive
    if is_right and isinstance(case.body, dict):
        case.body = with_known_models(case.body)


@schemathesis.deserializer("application/x-ndjson")
def read_lines(context, response):
    return [json.loads(line) for line in response.content.decode().splitlines()]
