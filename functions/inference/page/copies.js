// The request as code that runs as it is copied: in a shell, in Python without packages, in JavaScript.

const shell = text => `'${text.replaceAll("'", "'\\''")}'`

/** JSON as a Python literal: the three names that differ, outside of texts. */
const python = json =>
  json.replace(
    /"(?:[^"\\]|\\.)*"|\b(?:true|false|null)\b/g,
    part => ({ true: 'True', false: 'False', null: 'None' })[part] ?? part,
  )

const curl = ({ address, instance, token, region }) =>
  [
    `curl ${shell(address)}`,
    "-H 'content-type: application/json'",
    ...(token ? ['-H "authorization: Bearer $TOKEN"'] : []),
    ...(region
      ? [
          `--aws-sigv4 'aws:amz:${region}:execute-api'`,
          '--user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY"',
          '-H "x-amz-security-token: $AWS_SESSION_TOKEN"',
        ]
      : []),
    `-d ${shell(`{"instances": [${instance}]}`)}`,
  ].join(' \\\n  ')

const plainPython = ({ address, instance, token }) => `import json
${token ? 'import os\n' : ''}from urllib.request import Request, urlopen

instance = ${python(instance)}
headers = {"content-type": "application/json"${token ? ', "authorization": "Bearer " + os.environ["TOKEN"]' : ''}}
request = Request(${JSON.stringify(address)}, json.dumps({"instances": [instance]}).encode(), headers)
with urlopen(request) as response:
    print(json.load(response)["predictions"][0])`

const signedPython = ({ address, instance, region }) => `import json
from urllib.request import Request, urlopen

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.session import Session

instance = ${python(instance)}
body = json.dumps({"instances": [instance]}).encode()
signed = AWSRequest("POST", ${JSON.stringify(address)}, {"content-type": "application/json"}, body)
SigV4Auth(Session().get_credentials(), "execute-api", ${JSON.stringify(region)}).add_auth(signed)
with urlopen(Request(signed.url, body, dict(signed.headers.items()))) as response:
    print(json.load(response)["predictions"][0])`

const javaScript = ({ address, instance, token, region }) =>
  region
    ? '// JavaScript has no signer of its own: see @smithy/signature-v4.'
    : `const response = await fetch(${JSON.stringify(address)}, {
  method: "POST",
  headers: { "content-type": "application/json"${token ? ', authorization: `Bearer ${process.env.TOKEN}`' : ''} },
  body: ${JSON.stringify(`{"instances": [${instance}]}`)},
})
if (!response.ok) throw new Error(await response.text())
console.log((await response.json()).predictions[0])`

const LANGUAGES = {
  curl,
  Python: request => (request.region ? signedPython : plainPython)(request),
  JavaScript: javaScript,
}

export const languages = Object.keys(LANGUAGES)

/** Signs that would show what follows them in another order than it runs, as escapes of JSON. */
const inOrder = json =>
  json.replace(
    /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
    sign => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )

/** The request for an instance, a JSON text, at an address that asks for nothing, a token or a signature for a region. */
export const codeIn = (language, request) =>
  LANGUAGES[language]({ ...request, instance: inOrder(request.instance) })
