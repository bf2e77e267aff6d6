"""A whole Postback on this machine: the real template on a local AWS, the networks played by the sandbox.

Longer than 300 lines, because a deployment is one class.

`make run` (run.py) and the end-to-end tests both build on `Stack`. Nothing here names a network: deploy/networks.py
knows them, and the sandbox's secret for a network has its name.
"""

import copy
import fcntl
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import boto3

from build import FUNCTIONS, LOCAL, PACKAGES, ROOT, TOOLS
from local import Answer, end_with_parent, local_environment, request, tail
from logs import LogFollower
from machine import Failure, architecture, check_port
from progress import Step

sys.path.insert(0, str(ROOT / "deploy"))
from networks import NETWORKS  # noqa: E402
from platforms import PLATFORMS  # noqa: E402, F401

EMULATOR = LOCAL / "venv-emulator" / "bin" / "ministack"
SAM_CONFIG = Path(__file__).with_name("samconfig.toml")

STACK_NAME = "postback"
REGION = "us-east-1"
# What the emulator takes for its root user. They open nothing anywhere else.
ROOT_KEY = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
# The emulator wants eight hexadecimal digits; a fixed id keeps the base URL the same for everyone.
API_ID = "facade00"
# The webhook's key on this machine: one that is published for trying the scheme out.
WEBHOOK_KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
# The key of every shop system: a text, as it shows one.
PLATFORM_KEY = "shop-system-key-of-tests"
# Resource types the emulator refuses in a template. They live in archive.yaml, and `Stack.deploy` makes up for them
# by API call. test_template.py pins this list.
LEFT_OUT = {"AWS::Events::Archive"}
# The events that the archive keeps, as in archive.yaml.
ARCHIVED = {"detail-type": ["order.completed", "order.cancelled", "order.refunded", "order.partially_refunded"]}


# The networks that the sandbox plays. Any other is deployed, too, and left alone.
PLAYED = [network for network in NETWORKS if (ROOT / "tests/sandbox/secrets" / f"{network.name}.json").exists()]


class Stack:
    """The emulator, the sandbox and the deployed template, in a folder of their own."""

    def __init__(self, home: Path, sandbox_program: Path, port: int, sandbox_port: int, packages: Path = PACKAGES):
        self.home = home
        self.logs = home / "logs"
        self.packages = packages
        self.port = port
        self.sandbox_port = sandbox_port
        self.sandbox_program = sandbox_program
        self.template = ROOT / "template.yaml"
        self.name = STACK_NAME
        self.api_id = API_ID
        self.parameters = {"ApiAuthorization": "NONE", "WebhookEnabled": "true"}
        self.outputs: dict[str, str] = {}
        # Shows a step of starting and deploying.
        self.step: Callable[[str], AbstractContextManager] = Step
        # Where the functions find AWS, if that is not the local AWS itself.
        self.functions_endpoint = ""
        self._processes: list[subprocess.Popen] = []
        self._follower: LogFollower | None = None
        self._lock_file = None

    @property
    def base_url(self) -> str:
        """The API's URL. curl and browsers know that *.localhost is this machine."""
        return f"http://{self.api_id}.execute-api.localhost:{self.port}"

    def sibling(self, name: str, api_id: str, **parameters: str) -> "Stack":
        """Another deployment of the template, beside this one and as long as this one is up. It has the template's
        own defaults but for `parameters`."""
        other = copy.copy(self)
        other.name, other.api_id, other.parameters = f"{self.name}-{name}", api_id, parameters
        other.outputs, other._processes, other._follower = {}, [], None
        return other

    # ── Start and stop ──────────────────────────────────────────────────────────────────────────────────────────

    def start(self, anew: bool = False) -> None:
        """Starts the emulator with what it kept from last time, or anew, and the sandbox."""
        self._lock()
        if anew:
            shutil.rmtree(self.home, ignore_errors=True)
        check_port(self.port, "the local AWS", "PORT")
        check_port(self.sandbox_port, "the sandbox", "SANDBOX_PORT")
        for folder in ("state", "tmp", "logs"):
            (self.home / folder).mkdir(parents=True, exist_ok=True)
        self._read_streams_from_their_beginning()
        with self.step("Starting the local AWS and the sandbox"):
            self._spawn("emulator", [EMULATOR], self._emulator_environment(), self.port, "/_ministack/health")
            command = [self.sandbox_program, "--port", str(self.sandbox_port)]
            self._spawn("sandbox", command, local_environment(), self.sandbox_port, "/_health")

    def _read_streams_from_their_beginning(self) -> None:
        """The emulator keeps how far a table's stream was read, but none of its records: it would pass over as many
        of the next ones, so that for a while nothing is published."""
        kept = self.home / "state" / "emulator" / "lambda.json"
        if kept.exists():
            state = json.loads(kept.read_text())
            state["payload"]["dynamodb_stream_positions"]["data"] = {}
            kept.write_text(json.dumps(state))

    def _lock(self) -> None:
        """Two emulators on one state would each write it down as they end. `make clean-data` asks for this too."""
        self.home.mkdir(parents=True, exist_ok=True)
        self._lock_file = self.home.with_suffix(".lock").open("w")
        try:
            fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Failure(
                f"`make run` is up already on port {self.port}: stop it first (Ctrl-C), or start this one beside it with "
                f"`make run PORT={self.port + 1} SANDBOX_PORT={self.sandbox_port + 1}`."
            ) from None

    def stop(self) -> None:
        """Ends everything this started. The emulator writes its state down as it ends."""
        if self._follower:
            self._follower.stop()
        for process in reversed(self._processes):
            process.terminate()
        for process in reversed(self._processes):
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                pass
            # Whatever it had started itself is in its group.
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()
        self._processes.clear()
        shutil.rmtree(self.home / "tmp", ignore_errors=True)

    def _emulator_environment(self) -> dict[str, str]:
        return {
            **local_environment(),
            **ROOT_KEY,
            "AUTH": "true",  # enforce IAM: a function may do what the template lets it do
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "AWS_ENDPOINT_URL": self.functions_endpoint or self._endpoint,  # handed on to the functions
            "MINISTACK_REGION": REGION,
            "PERSIST_STATE": "1",
            "STATE_DIR": str(self.home / "state" / "emulator"),
            "S3_DATA_DIR": str(self.home / "state" / "s3"),
            "TMPDIR": str(self.home / "tmp"),
            "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0",
        }

    def _spawn(self, name: str, command: list, environment: dict[str, str], port: int, health: str) -> None:
        """Starts a program in a group of its own and waits until it answers."""
        log = self.logs / f"{name}.log"
        with log.open("w") as out:
            process = subprocess.Popen(
                command, env=environment, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                start_new_session=True, preexec_fn=end_with_parent,
            )  # fmt: skip
        self._processes.append(process)
        deadline = time.monotonic() + 60
        while True:
            try:
                if request(port, "GET", health).status == 200:
                    return
            except OSError:
                pass
            if process.poll() is not None or time.monotonic() > deadline:
                raise Failure(f"{name} did not start. The end of {log}:\n{tail(log)}")
            time.sleep(0.1)

    # ── Deploy ──────────────────────────────────────────────────────────────────────────────────────────────────

    def deploy(self) -> None:
        """Deploys the template unless this very one is deployed; then sets the secrets and creates the archive."""
        parameters = {
            "Architecture": architecture(),
            **{f"{network.prefix}Endpoint": f"{self.sandbox_url}/{network.name}" for network in NETWORKS},
            **self.parameters,
        }
        inputs = self._inputs(parameters)
        deployed = self._describe()
        if deployed and {"Key": "postback-inputs", "Value": inputs} in deployed["Tags"]:
            with self.step("Deployed already, and nothing has changed"):
                pass
        else:
            with self.step("Deploying the template (sam deploy)"):
                self._sam_deploy(parameters, inputs)
            deployed = self._describe()
        self.outputs = {output["OutputKey"]: output["OutputValue"] for output in deployed["Outputs"]}
        self._count_in_numbers()
        self._allow_batches()
        self._set_secrets()
        self._create_archive()
        self._follower = LogFollower(self.client("logs"), self.logs, self.name, STACK_NAME)

    @property
    def sandbox_url(self) -> str:
        return f"http://127.0.0.1:{self.sandbox_port}"

    def _inputs(self, parameters: dict[str, str]) -> str:
        """One digest of everything a deployment depends on."""
        digest = hashlib.sha256(json.dumps([self.port, parameters], sort_keys=True).encode())
        for path in [self.template, SAM_CONFIG, *self._packaged()]:
            digest.update(hashlib.sha256(path.read_bytes()).digest())
        return digest.hexdigest()

    def _describe(self) -> dict | None:
        cloudformation = self.client("cloudformation")
        try:
            [stack] = cloudformation.describe_stacks(StackName=self.name)["Stacks"]
        except cloudformation.exceptions.ClientError:
            return None
        return stack if stack["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE") else None

    def _sam_deploy(self, parameters: dict[str, str], inputs: str) -> None:
        # The bucket `sam deploy --resolve-s3` would create, and the name samconfig.toml has for it.
        self.client("s3").create_bucket(Bucket="postback-packages")
        environment = {
            **local_environment(),
            **ROOT_KEY,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self._endpoint,
            "SAM_CLI_TELEMETRY": "0",
            "__SAM_CLI_APP_DIR": str(LOCAL / "sam"),
        }
        command = [
            TOOLS / "sam", "deploy", "--config-file", SAM_CONFIG, "--template-file", self._deployable(),
            "--stack-name", self.name, "--region", REGION,
            "--parameter-overrides", *(f"{key}={value}" for key, value in parameters.items()),
            "--tags", f"ms-custom-id={self.api_id}", f"postback-inputs={inputs}",
        ]  # fmt: skip
        log = self.logs / f"deploy-{self.name}.log"
        with log.open("w") as out:
            if subprocess.run(command, env=environment, cwd=ROOT, stdout=out, stderr=out).returncode != 0:
                raise Failure(f"sam deploy failed. The end of {log}:\n{tail(log)}")

    def _packaged(self) -> list[Path]:
        """The functions' packages: a program in a folder as cargo-lambda leaves it, or an archive (quick.py)."""
        if self.packages == PACKAGES:
            return [self.packages / function / "bootstrap" for function in FUNCTIONS]
        return [self.packages / f"{function}.zip" for function in FUNCTIONS]

    def _deployable(self) -> Path:
        """The template; where the packages are not those that it names, a copy that names them."""
        if self.packages == PACKAGES:
            return self.template
        copy = self.home / "template.yaml"
        text = re.sub(r"CodeUri: target/lambda/(\w+)/", rf"CodeUri: {self.packages}/\1.zip", self.template.read_text())
        # What else it names beside itself is where it was.
        copy.write_text(re.sub(r"(LicenseUrl|ReadmeUrl): (\w)", rf"\1: {ROOT}/\2", text))
        return copy

    def _count_in_numbers(self) -> None:
        """A parameter that is a number comes as text. AWS makes a number of it again where one is wanted; the emulator
        does not, and its poller, which compares it, takes nothing from any queue until this is set right."""
        client = self.client("lambda")
        for mapping in client.list_event_source_mappings()["EventSourceMappings"]:
            if not mapping.get("ScalingConfig"):
                continue
            # boto3 reads what is there as it is, and sends a number.
            most = int(mapping["ScalingConfig"]["MaximumConcurrency"])
            client.update_event_source_mapping(UUID=mapping["UUID"], ScalingConfig={"MaximumConcurrency": most})

    def _allow_batches(self) -> None:
        """On AWS the right to send a message is the right to send a batch of them. The emulator asks for a right of the
        batch's own, which AWS does not know: whoever may send has it here, too."""
        iam, single, batch = self.client("iam"), "sqs:SendMessage", "sqs:SendMessageBatch"
        roles = [role["RoleName"] for role in iam.list_roles()["Roles"] if role["RoleName"].startswith(f"{self.name}-")]
        for role, name in [(role, name) for role in roles for name in iam.list_role_policies(RoleName=role)["PolicyNames"]]:
            document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
            for statement in document["Statement"]:
                actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
                statement["Action"] = [*actions, batch] if single in actions and batch not in actions else actions
            iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))

    def _set_secrets(self) -> None:
        """Gives every function the credentials that the sandbox knows."""
        secrets = self.client("secretsmanager")
        values = {
            network.prefix: (ROOT / "tests/sandbox/secrets" / f"{network.name}.json").read_text() for network in PLAYED
        }
        values["Webhook"] = json.dumps({"keys": [WEBHOOK_KEY]})
        values |= {platform.prefix: json.dumps({"keys": [PLATFORM_KEY]}) for platform in PLATFORMS}
        for prefix, value in values.items():
            arn = self.outputs.get(f"{prefix}SecretArn")
            if arn is None:
                continue
            if secrets.get_secret_value(SecretId=arn)["SecretString"] != value:
                secrets.put_secret_value(SecretId=arn, SecretString=value)

    def _create_archive(self) -> None:
        """Does what archive.yaml does on AWS."""
        events = self.client("events")
        try:
            events.create_archive(
                ArchiveName=self.outputs["BusName"],
                EventSourceArn=self.outputs["BusArn"],
                EventPattern=json.dumps(ARCHIVED),
                RetentionDays=30,
            )
        except events.exceptions.ResourceAlreadyExistsException:
            pass

    # ── Use ─────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def _endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, service: str):
        """A boto3 client for the local AWS, as its root user."""
        return boto3.client(
            service, endpoint_url=self._endpoint, region_name=REGION,
            aws_access_key_id=ROOT_KEY["AWS_ACCESS_KEY_ID"], aws_secret_access_key=ROOT_KEY["AWS_SECRET_ACCESS_KEY"],
        )  # fmt: skip

    def api(
        self, method: str, path: str, body=None, content_type: str = "application/json", headers: dict | None = None
    ) -> Answer:
        """Calls the deployed API."""
        headers = {"Host": f"{self.api_id}.execute-api.localhost:{self.port}", **(headers or {})}
        if body is not None:
            headers["Content-Type"] = content_type
        return request(self.port, method, path, body, headers)

    def sandbox(self, method: str, path: str, body=None) -> Answer:
        """Calls the sandbox."""
        return request(self.sandbox_port, method, path, body, {"Content-Type": "application/json"})
