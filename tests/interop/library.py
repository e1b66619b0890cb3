"""The providers' own libraries from PyPI. A job a line in, an answer a line out; `run` says what a job is."""

import importlib.metadata
import json
import sys
from datetime import datetime, timezone


def unbranded(module, prefix):
    def verify(job):
        module.Webhook(job["secret"]).verify(job["body"], job["headers"])
        return True

    def sign(job):
        time = datetime.fromtimestamp(job["time"], tz=timezone.utc)
        return {
            f"{prefix}-id": job["id"],
            f"{prefix}-timestamp": str(job["time"]),
            f"{prefix}-signature": module.Webhook(job["secret"]).sign(job["id"], time, job["body"]),
        }

    return verify, sign


def standardwebhooks():
    from standardwebhooks import webhooks

    return unbranded(webhooks, "webhook")


def svix():
    from svix import webhooks

    return unbranded(webhooks, "svix")


def stripe():
    import stripe

    stripe.api_key = "sk_test_of_no_account"

    def verify(job):
        header = job["headers"].get("stripe-signature")
        # What it makes of the body is another matter: a delivery of ours is no event of theirs.
        return stripe.WebhookSignature.verify_header(job["body"], header, job["secret"], 300)

    def sign(job):
        signed = stripe.WebhookSignature.generate_signature_header(job["body"], job["secret"], job["time"])
        return {"stripe-signature": signed}

    return verify, sign


def slack():
    from slack_sdk.signature import SignatureVerifier

    def verify(job):
        return SignatureVerifier(job["secret"]).is_valid_request(job["body"], job["headers"])

    def sign(job):
        time = str(job["time"])
        signature = SignatureVerifier(job["secret"]).generate_signature(timestamp=time, body=job["body"])
        return {"x-slack-request-timestamp": time, "x-slack-signature": signature}

    return verify, sign


MAKERS = {"standardwebhooks": standardwebhooks, "svix": svix, "stripe": stripe, "slack_sdk": slack}
made = {}


def answer(job):
    library = job["library"]
    if library not in made:
        made[library] = MAKERS[library]()
    verify, sign = made[library]
    match job["act"]:
        case "load":
            return {"version": importlib.metadata.version(library)}
        case "sign":
            return {"headers": sign(job)}
        case "verify":
            try:
                return {"accepted": verify(job) is True}
            except Exception as error:
                return {"accepted": False, "said": f"{type(error).__name__}: {error}".splitlines()[0]}


for line in sys.stdin:
    try:
        told = answer(json.loads(line))
    except Exception as error:
        told = {"error": f"{type(error).__name__}: {error}".splitlines()[0]}
    print(json.dumps(told), flush=True)
