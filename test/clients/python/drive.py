"""Drives a gateway with fhirclient and fhirpy as they come from PyPI: python3 drive.py BASE TOKEN. Prints each step that was as expected."""
import sys
import time
import uuid

import fhirpy
import requests
from fhirclient import client as smart
from fhirclient.models import bundle, humanname, identifier, observation, parameters, patient
from fhirpy.base.exceptions import OperationOutcome, ResourceNotFound

BASE, TOKEN = sys.argv[1:3]
AUTHORIZATION = {"Authorization": f"Bearer {TOKEN}"}
PEOPLE = "urn:example:people"
LOINC = "http://loinc.org"
run = uuid.uuid4().hex


def step(name, condition, seen=None):
    assert condition, f"{name}: {seen}"
    print(name, flush=True)


def status_of(act):
    try:
        act()
    except requests.exceptions.HTTPError as failure:
        return failure.response.status_code
    return 200


# fhirclient: models and their own create, read, update and delete.
server = smart.FHIRClient(settings={"app_id": "tests", "api_base": BASE}).server
server.session.headers.update(AUTHORIZATION)

ada = patient.Patient()
ada.identifier = [identifier.Identifier({"system": PEOPLE, "value": run})]
ada.name = [humanname.HumanName({"family": "Grün", "given": ["Ada"]})]
ada.gender, ada.active = "female", True
made = patient.Patient(ada.create(server))
step("fhirclient create", made.id and made.meta.versionId == "1", made.as_json())
read = patient.Patient.read(made.id, server)
step("fhirclient read", read.name[0].family == "Grün")
read.gender = "other"
read.update(server)
step("fhirclient update", patient.Patient.read(made.id, server).meta.versionId == "2")
first = patient.Patient.read_from(f"Patient/{made.id}/_history/1", server)
step("fhirclient vread", first.gender == "female")
history = bundle.Bundle.read_from(f"Patient/{made.id}/_history", server)
step("fhirclient history", [one.resource.meta.versionId for one in history.entry] == ["2", "1"])
for value in (60.0, 70.5, 80.0):
    seen = observation.Observation(
        {
            "status": "final",
            "subject": {"reference": f"Patient/{made.id}"},
            "code": {"coding": [{"system": LOINC, "code": "8867-4", "display": "Heart rate"}]},
            "effectiveDateTime": "2026-03-01T10:00:00Z",
            "valueQuantity": {"value": value, "unit": "/min", "system": "http://unitsofmeasure.org", "code": "/min"},
        }
    )
    seen.create(server)

SEARCHES = [
    ("Patient", {"identifier": f"{PEOPLE}|{run}"}, 1),
    ("Patient", {"identifier": f"{PEOPLE}|{run}", "family": "grun"}, 1),
    ("Patient", {"identifier": f"{PEOPLE}|{run}", "family:exact": "grun"}, 0),
    ("Patient", {"identifier": f"{PEOPLE}|{run}", "family:contains": "rü"}, 1),
    ("Patient", {"identifier": f"{PEOPLE}|{run}", "gender:not": "male"}, 1),
    ("Patient", {"identifier": f"{PEOPLE}|{run}", "birthdate:missing": "true"}, 1),
    ("Patient", {"identifier": f"{PEOPLE}|{run}", "_has:Observation:subject:code": f"{LOINC}|8867-4"}, 1),
    ("Observation", {"subject:Patient": made.id}, 3),
    ("Observation", {"subject:identifier": f"{PEOPLE}|{run}"}, 0),
    ("Observation", {"subject:Patient.identifier": f"{PEOPLE}|{run}", "value-quantity": "gt65"}, 2),
    ("Observation", {"patient.family": "Grün", "patient": made.id, "date": "sa2026-02-28"}, 3),
    ("Observation", {"patient": made.id, "date": "eb2026-03-01"}, 0),
    ("Observation", {"patient": made.id, "date": "ap2026-03-01"}, 3),
    ("Observation", {"patient": made.id, "code:text": "heart"}, 3),
    ("Observation", {"patient": made.id, "code:in": "http://example.org/none"}, None),
    ("Observation", {"patient": made.id, "value-quantity": "70.5|http://unitsofmeasure.org|/min"}, 1),
    ("Observation", {"patient": made.id, "code-value-quantity": f"{LOINC}|8867-4$lt65"}, 1),
    ("Observation", {"patient": made.id, "_lastUpdated": "gt2020-01-01"}, 3),
]
kinds = {"Patient": patient.Patient, "Observation": observation.Observation}
for kind, struct, count in SEARCHES:
    search = kinds[kind].where(struct)
    if count is None:
        step(f"fhirclient refused {list(struct)[-1]}", status_of(lambda: search.perform(server)) >= 400)
        continue
    found = search.perform_resources(server)
    step(f"fhirclient search {' '.join(struct)}", len(found) == count, len(found))
included = observation.Observation.where({"patient": made.id}).include("subject").perform(server)
step("fhirclient include", sorted(e.search.mode for e in included.entry) == ["include", "match", "match", "match"])
pages = list(observation.Observation.where({"patient": made.id, "_count": "1"}).perform_iter(server))
step("fhirclient paging", len(pages) == 3 and all(len(page.entry) == 1 for page in pages), len(pages))
everything = bundle.Bundle.read_from(f"Patient/{made.id}/$everything", server)
step("fhirclient $everything", len(everything.entry) == 4, len(everything.entry))
entries = bundle.Bundle(
    {
        "type": "transaction",
        "entry": [
            {
                "fullUrl": "urn:uuid:c757873d-ec9a-4326-a141-556f43239520",
                "resource": {"resourceType": "Patient", "active": True},
                "request": {"method": "POST", "url": "Patient"},
            },
            {
                "resource": {
                    "resourceType": "Observation",
                    "status": "final",
                    "code": {"text": "x"},
                    "subject": {"reference": "urn:uuid:c757873d-ec9a-4326-a141-556f43239520"},
                },
                "request": {"method": "POST", "url": "Observation"},
            },
            {"request": {"method": "GET", "url": f"Patient/{made.id}"}},
        ],
    }
)
written = server.post_json("", entries.as_json()).json()
step("fhirclient transaction", [one["response"]["status"][:3] for one in written["entry"]] == ["201", "201", "200"], written)
match = parameters.Parameters({"parameter": [{"name": "resource", "resource": ada.as_json()}]})
matched = server.post_json("Patient/$match", match.as_json()).json()
step("fhirclient $match", any(one["resource"]["id"] == made.id for one in matched["entry"]))
gone = patient.Patient(patient.Patient({"active": True}).create(server))
gone.delete(server)
step("fhirclient delete", status_of(lambda: server.request_json(f"Patient/{gone.id}")) == 410)

# fhirpy: its own search sets, patch, save and operations.
sync = fhirpy.SyncFHIRClient(BASE, authorization=AUTHORIZATION["Authorization"])
person = sync.resource("Patient", identifier=[{"system": PEOPLE, "value": f"{run}-2"}], name=[{"family": "Lovelace"}])
person.save()
step("fhirpy save", person.id and person["meta"]["versionId"] == "1")
person["active"] = True
person.save()
step("fhirpy save again", person["meta"]["versionId"] == "2")
try:
    # It sends a part of a resource as application/json, which is no patch of R4's.
    person.patch(gender="female")
    step("fhirpy patch is refused", False)
except OperationOutcome as refusal:
    step("fhirpy patch is refused", refusal.resource is not None, refusal)
person["gender"] = "female"
person.save()
lovelaces = sync.resources("Patient").search(identifier=f"{PEOPLE}|{run}-2")
step("fhirpy count", lovelaces.count() == 1)
step("fhirpy first", lovelaces.first().id == person.id)
pulse = sync.resources("Observation").search(patient=made.id)
step("fhirpy sort", [one["valueQuantity"]["value"] for one in pulse.sort("-value-quantity").fetch_all()] == [80, 70.5, 60])
step("fhirpy limit", len(pulse.limit(2).fetch()) == 2 and len(pulse.limit(2).fetch_all()) == 3)
step("fhirpy elements", "effectiveDateTime" not in pulse.elements("code").first())
step("fhirpy lookup", pulse.search(value_quantity__ge=70.5).count() == 2)
step("fhirpy has", sync.resources("Patient").has("Observation", "subject", "code", f"{LOINC}|8867-4").search(_id=made.id).count() == 1)
raw = pulse.include("Observation", "subject").fetch_raw()
step("fhirpy include", sum(one.resource.resource_type == "Patient" for one in raw.entry) == 1)
patients = sync.resources("Patient").search(identifier=f"{PEOPLE}|{run}-2")
try:
    # It states the condition in the URL, where R4 has none: done without it, there would be two.
    patients.get_or_create(sync.resource("Patient", identifier=[{"system": PEOPLE, "value": f"{run}-2"}]))
    step("fhirpy create with parameters is refused", False)
except OperationOutcome as refusal:
    step("fhirpy create with parameters is refused", refusal.resource["issue"][0]["expression"] == ["identifier"], refusal)
changed, created = sync.resources("Patient").search(identifier=f"{PEOPLE}|{run}-2").update(
    sync.resource("Patient", identifier=[{"system": PEOPLE, "value": f"{run}-2"}], gender="other")
)
step("fhirpy conditional update", not created and changed["gender"] == "other")
step("fhirpy validate", sync.resource("Patient", gender="female").is_valid())
step("fhirpy finds faults", not sync.resource("Patient", gender="wrong").is_valid())
summary = person.execute("$everything", method="get")
step("fhirpy $everything", summary["total"] >= 1 if "total" in summary else len(summary["entry"]) >= 1)
person.delete()
try:
    sync.reference("Patient", person.id).to_resource()
    step("fhirpy delete", False)
except (ResourceNotFound, OperationOutcome):
    step("fhirpy delete", True)

# Bulk export, which neither of them has: by requests, with their token.
bulk = sys.argv[3]
headers = {"Authorization": f"Bearer {bulk}", "Accept": "application/fhir+json", "Prefer": "respond-async"}
asked = requests.get(f"{BASE}/$export", params={"_type": "Patient"}, headers=headers, timeout=30)
step("export begins", asked.status_code == 202, asked.text)
for _ in range(200):
    manifest = requests.get(asked.headers["Content-Location"], headers=headers, timeout=30)
    if manifest.status_code != 202:
        break
    time.sleep(0.1)
lines = "".join(requests.get(one["url"], headers=headers, timeout=30).text for one in manifest.json()["output"])
step("export ends", made.id in lines)
