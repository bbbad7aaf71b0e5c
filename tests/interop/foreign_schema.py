"""Holds answers of the API against its description: foreign_schema.py < JSON

Needs python3-jsonschema and python3-yaml. Takes {"description": YAML, "events": […],
"answers": [{"operation": id, "status": N, "body": …}]} and prints a line a fault.
"""

import json
import sys
import warnings

import jsonschema
import yaml

warnings.simplefilter("ignore", DeprecationWarning)
LOOSE = {"Token", "List"}     # parts of other schemas


def tighten(document):
    """No member may come that the description does not name."""
    for name, schema in document["components"]["schemas"].items():
        if "properties" in schema and name not in LOOSE and "allOf" not in schema:
            schema["unevaluatedProperties"] = False


def operations(document):
    for path in document["paths"].values():
        for method, operation in path.items():
            if method != "parameters":
                yield operation["operationId"], operation


def schema_of(document, operation, status):
    responses = operation["responses"]
    response = responses.get(str(status), responses.get("default"))
    if "$ref" in response:
        response = document["components"]["responses"][response["$ref"].rsplit("/", 1)[1]]
    return next(iter(response["content"].values()))["schema"]


def main():
    asked = json.load(sys.stdin)
    document = yaml.safe_load(asked["description"])
    tighten(document)
    known = dict(operations(document))
    resolver = jsonschema.RefResolver("", document)
    cases = [(case["operation"], schema_of(document, known[case["operation"]], case["status"]), case["body"])
             for case in asked["answers"]]
    cases += [("an event", {"$ref": "#/components/schemas/Event"}, event) for event in asked["events"]]
    for name, schema, body in cases:
        validator = jsonschema.Draft202012Validator(schema, resolver=resolver)
        for error in validator.iter_errors(body):
            print(f"{name}: {error.json_path}: {error.message[:300]}")


main()
