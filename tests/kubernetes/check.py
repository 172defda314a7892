"""Checks Kubernetes manifests as kustomize has built them, without a cluster.

    check.py FILE SERVICE...     FILE: the manifests; SERVICE...: the services that there must be

Core kinds are held against Kubernetes' own schemas (strictly: an unknown field is a fault), KEDA's against keda.json. Then what no schema
says: rights, probes, budgets, who may speak to whom, what refers to what. Each check counts; each is run again on manifests with one
deliberate defect, and a check that does not see its defect has failed. The last line is `N passed, N failed`.
"""

import copy
import json
import pathlib
import sys

import jsonschema
import kubernetes_validate
import yaml

# The oldest and the newest that are looked at: what is shipped must suit both.
VERSIONS = ["1.30", "1.37"]
# How long a service takes at most to finish what it has taken.
DRAIN_SECONDS = 15
KEDA = json.loads((pathlib.Path(__file__).parent / "keda.json").read_text())


def of_kind(objects, *kinds):
    return [one for one in objects if one["kind"] in kinds]


def workloads(objects):
    return of_kind(objects, "Deployment", "Job")


def pod(workload):
    return workload["spec"]["template"]["spec"]


def labels(workload):
    return workload["spec"]["template"]["metadata"]["labels"]


def name(one):
    return f"{one['kind']}/{one['metadata']['name']}"


def selects(selector, wanted):
    """Does a label selector take these labels? Of expressions, `In` alone is used."""
    exact = all(wanted.get(key) == value for key, value in selector.get("matchLabels", {}).items())
    return exact and all(wanted.get(one["key"]) in one["values"] for one in selector.get("matchExpressions", []))


def schemas(objects, _):
    for one in objects:
        if one["apiVersion"].startswith("keda.sh/"):
            for error in jsonschema.Draft7Validator(KEDA[one["kind"]]).iter_errors(one):
                yield f"{name(one)}: {'/'.join(map(str, error.path))}: {error.message}"
            continue
        for version in VERSIONS:
            try:
                kubernetes_validate.validate(one, version, strict=True)
            except kubernetes_validate.ValidationError as error:
                yield f"{name(one)} in {version}: {'/'.join(map(str, error.path))}: {error.message}"


def everybody_is_there(objects, services):
    there = {one["metadata"]["name"] for one in of_kind(objects, "Deployment")}
    for service in services:
        if service not in there:
            yield f"there is no Deployment of {service}"
    for one in workloads(objects):
        command = pod(one)["containers"][0].get("args", [None])[0]
        if command != one["metadata"]["name"]:
            yield f"{name(one)} runs {command}"


def no_rights(objects, _):
    for one in workloads(objects):
        spec, [container] = pod(one), pod(one)["containers"]
        outer, inner = spec.get("securityContext", {}), container.get("securityContext", {})
        for holds, what in [
            (outer.get("runAsNonRoot") is True and outer.get("runAsUser", 0) > 0, "may be root"),
            (outer.get("seccompProfile", {}).get("type") == "RuntimeDefault", "has every system call"),
            (inner.get("allowPrivilegeEscalation") is False, "may get more rights"),
            (inner.get("readOnlyRootFilesystem") is True, "may write to its file system"),
            (inner.get("capabilities", {}).get("drop") == ["ALL"] and "add" not in inner["capabilities"], "has capabilities"),
            (spec.get("automountServiceAccountToken") is False, "has a token for the cluster"),
            (not spec.get("hostNetwork") and not spec.get("hostPID"), "shares its node's namespaces"),
        ]:
            if not holds:
                yield f"{name(one)} {what}"


def limits(objects, _):
    for one in workloads(objects):
        resources = pod(one)["containers"][0].get("resources", {})
        for kind in ["requests", "limits"]:
            for what in ["cpu", "memory"]:
                if what not in resources.get(kind, {}):
                    yield f"{name(one)} has no {kind} of {what}"


def probes(objects, _):
    wanted = {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}
    for one in of_kind(objects, "Deployment"):
        container = pod(one)["containers"][0]
        ports = {port["name"] for port in container.get("ports", [])}
        for probe, path in wanted.items():
            asked = container.get(probe, {}).get("httpGet", {})
            if asked.get("path") != path or asked.get("port") not in ports:
                yield f"{name(one)}: {probe} asks {asked}"


def time_to_drain(objects, _):
    for one in of_kind(objects, "Deployment"):
        if pod(one).get("terminationGracePeriodSeconds", 0) <= DRAIN_SECONDS:
            yield f"{name(one)} is killed before it has finished what it has taken"


def budgets(objects, services):
    for one in of_kind(objects, "Deployment"):
        if one["metadata"]["name"] not in services:
            continue
        of_it = [budget for budget in of_kind(objects, "PodDisruptionBudget") if selects(budget["spec"]["selector"], labels(one))]
        if len(of_it) != 1:
            yield f"{name(one)} has {len(of_it)} disruption budgets"
        if one["spec"].get("replicas", 2) < 2:
            yield f"{name(one)}: one pod alone cannot be moved without a pause"


def nobody_unless_said(objects, _):
    policies = of_kind(objects, "NetworkPolicy")
    closed = [one for one in policies if one["spec"]["podSelector"] == {} and not one["spec"].get("ingress") and not one["spec"].get("egress")]
    if not any(set(one["spec"]["policyTypes"]) == {"Ingress", "Egress"} for one in closed):
        yield "everybody may speak to everybody"
    for one in policies:
        for rule in one["spec"].get("ingress", []) + one["spec"].get("egress", []):
            if not rule.get("ports") or not (rule.get("from") or rule.get("to")):
                yield f"{name(one)} opens to everybody, or every port"
    for workload in workloads(objects):
        open_ports = {
            port["port"]
            for one in policies
            if selects(one["spec"]["podSelector"], labels(workload))
            for rule in one["spec"].get("egress", [])
            for port in rule.get("ports", [])
        }
        if not {53, 5432, 5672} <= open_ports:
            yield f"{name(workload)} does not reach its servers: {sorted(map(str, open_ports))}"


def references(objects, _):
    settings = {one["metadata"]["name"] for one in of_kind(objects, "ConfigMap")}
    accounts = {one["metadata"]["name"] for one in of_kind(objects, "ServiceAccount")}
    for one in workloads(objects):
        container = pod(one)["containers"][0]
        for source in container.get("envFrom", []):
            if source["configMapRef"]["name"] not in settings:
                yield f"{name(one)} reads settings that are not there: {source}"
        if pod(one).get("serviceAccountName") not in accounts:
            yield f"{name(one)} has no service account"
        secrets = [volume["secret"]["secretName"] for volume in pod(one).get("volumes", []) if "secret" in volume]
        if secrets != [f"planshift-{one['metadata']['name']}"]:
            yield f"{name(one)} sees the secrets {secrets}, not its own alone"
    for one in of_kind(objects, "Service"):
        found = [workload for workload in workloads(objects) if selects({"matchLabels": one["spec"]["selector"]}, labels(workload))]
        ports = {port["name"] for workload in found for port in pod(workload)["containers"][0].get("ports", [])}
        for port in one["spec"]["ports"]:
            if port["targetPort"] not in ports:
                yield f"{name(one)} leads nowhere"


def scaled(objects, _):
    """What is scaled: its target has no number of its own; every message counts, also those that are being worked on."""
    deployments = {one["metadata"]["name"]: one for one in of_kind(objects, "Deployment")}
    keys = {one["metadata"]["name"] for one in of_kind(objects, "TriggerAuthentication")}
    for one in of_kind(objects, "ScaledObject"):
        spec = one["spec"]
        target = deployments.get(spec["scaleTargetRef"]["name"])
        if target is None or "replicas" in target["spec"]:
            yield f"{name(one)}: its target is not there, or says itself how many there are"
        if not 1 <= spec["minReplicaCount"] <= spec["fallback"]["replicas"] <= spec["maxReplicaCount"]:
            yield f"{name(one)}: its numbers do not fit together"
        for trigger in spec["triggers"]:
            metadata = trigger["metadata"]
            if metadata["queueName"] != f"planshift.{spec['scaleTargetRef']['name']}":
                yield f"{name(one)} looks at another queue: {metadata['queueName']}"
            if metadata["protocol"] != "http" or metadata.get("excludeUnacknowledged") != "false":
                yield f"{name(one)} does not count what is being worked on"
            if trigger["authenticationRef"]["name"] not in keys:
                yield f"{name(one)} has no key"


def first(objects, kind):
    return of_kind(objects, kind)[0]


def close_wide(objects):
    objects[:] = [one for one in objects if not (one["kind"] == "NetworkPolicy" and one["spec"]["podSelector"] == {})]


# Each check with one defect that it must see.
CHECKS = {
    schemas: lambda objects: first(objects, "Deployment")["spec"].update(replicaCount=2),
    everybody_is_there: lambda objects: objects.remove(first(objects, "Deployment")),
    no_rights: lambda objects: pod(first(objects, "Deployment"))["containers"][0]["securityContext"].pop("capabilities"),
    limits: lambda objects: pod(first(objects, "Job"))["containers"][0]["resources"]["limits"].pop("memory"),
    probes: lambda objects: pod(first(objects, "Deployment"))["containers"][0]["readinessProbe"]["httpGet"].update(path="/healthz"),
    time_to_drain: lambda objects: pod(first(objects, "Deployment")).pop("terminationGracePeriodSeconds"),
    budgets: lambda objects: objects.remove(first(objects, "PodDisruptionBudget")),
    nobody_unless_said: close_wide,
    references: lambda objects: pod(first(objects, "Deployment"))["volumes"].append({"secret": {"secretName": "planshift-gateway"}}),
    scaled: lambda objects: first(objects, "ScaledObject")["spec"]["triggers"][0]["metadata"].update(protocol="amqp"),
}


def main():
    objects = [one for one in yaml.safe_load_all(pathlib.Path(sys.argv[1]).read_text()) if one]
    services = sys.argv[2:]
    passed = failed = 0
    for check, defect in CHECKS.items():
        if check is scaled and not of_kind(objects, "ScaledObject"):
            continue
        faults = list(check(objects, services))
        broken = copy.deepcopy(objects)
        defect(broken)
        if not list(check(broken, services)):
            faults.append("it does not see a defect that it is there for")
        print(f"{'FAILED' if faults else 'ok':6} {check.__name__.replace('_', ' ')}")
        for fault in faults:
            print(f"       {fault}")
        passed, failed = passed + (not faults), failed + bool(faults)
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


main()
