"""A server of S3 for tests: moto, which checks signatures with botocore's own signer once it is told to.

Prints one line of JSON when it is ready: its address and the credentials of its one user. Answers `uploads` on standard input with the
number of unfinished uploads, and ends with its standard input.
"""

from __future__ import annotations

import json
import sys

import boto3
from moto import settings
from moto.s3.models import s3_backends
from moto.server import ThreadedMotoServer

MANY = 1003


def main() -> None:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    anybody = {
        "endpoint_url": endpoint,
        "region_name": "us-east-1",
        "aws_access_key_id": "anybody",
        "aws_secret_access_key": "anything",
    }
    iam = boto3.client("iam", **anybody)
    iam.create_user(UserName="tester")
    allowed = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    iam.put_user_policy(UserName="tester", PolicyName="all", PolicyDocument=json.dumps(allowed))
    key = iam.create_access_key(UserName="tester")["AccessKey"]

    s3 = boto3.client("s3", **anybody)
    for bucket in ("music", "many"):
        s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket="music", Key="marked/", Body=b"")
    s3.put_object(Bucket="music", Key="marked/sub/", Body=b"")
    s3.put_object(Bucket="music", Key="marked/sub/a.wav", Body=b"a")
    s3.put_object(Bucket="music", Key="marked/empty.wav", Body=b"")
    backend = next(iter(s3_backends.values()))["aws"]
    for i in range(MANY):
        backend.put_object("many", f"folder {i % 7}/{i:05}.wav", b"%d" % i)

    # From here on every request must be signed by a key that exists.
    settings.INITIAL_NO_AUTH_ACTION_COUNT = 0
    ready = {"endpoint": endpoint, "key": key["AccessKeyId"], "secret": key["SecretAccessKey"], "many": MANY}
    print(json.dumps(ready), flush=True)
    for line in sys.stdin:
        if line.strip() == "uploads":
            print(json.dumps(len(backend.buckets["music"].multiparts)), flush=True)


main()
