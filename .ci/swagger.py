"""swagger.py DRIVER PAGE PICTURE: tries out POST /predict on the Swagger page, in a browser behind the WebDriver server DRIVER."""
import base64
import json
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

driver, page, picture = sys.argv[1], sys.argv[2], Path(sys.argv[3])
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"   # the WebDriver standard's name for an element
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--window-size=1280,1600"]


def call(method, path, body=None):
    """One WebDriver command; its value."""
    request = urllib.request.Request(driver + path, None if body is None else json.dumps(body).encode(), {"Content-Type": "application/json"}, method=method)
    try:
        return json.load(urllib.request.urlopen(request, timeout=60))["value"]
    except urllib.error.HTTPError as error:
        value = json.load(error)["value"]
        raise LookupError(f"{value['error']}: {value['message'].splitlines()[0]}") from None


session = "/session/" + call("POST", "/session", {"capabilities": {"alwaysMatch": {
    "browserName": "chrome", "goog:chromeOptions": {"args": ARGUMENTS}, "goog:loggingPrefs": {"browser": "ALL"}}}})["sessionId"]


def find(selector, seconds=20):
    """The first element that the CSS selector matches, waited for."""
    end = time.monotonic() + seconds
    while True:
        try:
            return call("POST", f"{session}/element", {"using": "css selector", "value": selector})[ELEMENT]
        except LookupError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def click(selector):
    """Clicks an element in the middle of the window."""
    element = find(selector)
    call("POST", f"{session}/execute/sync", {"script": "arguments[0].scrollIntoView({block: 'center'})", "args": [{ELEMENT: element}]})
    call("POST", f"{session}/element/{element}/click", {})


def text(selector):
    """What an element shows."""
    return call("GET", f"{session}/element/{find(selector)}/text")


def photograph():
    """Saves what the window shows."""
    picture.parent.mkdir(parents=True, exist_ok=True)
    picture.write_bytes(base64.b64decode(call("GET", f"{session}/screenshot")))


try:
    call("POST", f"{session}/url", {"url": page})
    find(".opblock")
    # the operation's own block: its path is exactly /predict
    find(".opblock-post [data-path='/predict']")
    block = call("POST", f"{session}/execute/sync", {"args": [], "script":
        "const block = document.querySelector(\".opblock-post [data-path='/predict']\").closest('.opblock'); return block.id"})
    operation = f"[id='{block}']"
    if not call("POST", f"{session}/elements", {"using": "css selector", "value": f"{operation} .opblock-body"}):
        click(f"{operation} .opblock-summary-control")
    find(f"{operation} .opblock-body")
    if not call("POST", f"{session}/elements", {"using": "css selector", "value": f"{operation} .execute"}):
        click(f"{operation} .try-out__btn")
    sent = call("GET", f"{session}/element/{find(f'{operation} textarea.body-param__text')}/property/value")
    click(f"{operation} .execute")
    status = text(f"{operation} .live-responses-table .response .response-col_status").split()[0]
    answer = text(f"{operation} .live-responses-table .response .response-col_description .microlight")
    call("POST", f"{session}/execute/sync", {"script": "arguments[0].scrollIntoView({block: 'start'})", "args": [{ELEMENT: find(operation)}]})
    time.sleep(0.5)
    photograph()
    errors = [entry["message"] for entry in call("POST", f"{session}/se/log", {"type": "browser"}) if entry["level"] == "SEVERE"]
    print(f"sent:   {' '.join(sent.split())}\nanswer: {status} {' '.join(answer.split())[:300]}")
    for error in errors:
        print(f"FAILED: the browser complains: {error}")
    if status != "200":
        print("FAILED: the example is not answered with 200")
    sys.exit(0 if status == "200" and not errors else 1)
except LookupError as error:
    photograph()
    print(f"FAILED: {error}; the page is in {picture}")
    sys.exit(1)
finally:
    call("DELETE", session)
