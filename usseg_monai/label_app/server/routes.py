"""The addresses that the server answers: MONAI Label's functions behind checks, none of them on the event loop.

MONAI Label's own routes run inference, training and storage on the event loop, so that one request stops all others; they open any file
that a request names, answer unknown names with 500, and have no working protection by a key. Here each address that the viewers use is a
plain function, run in a thread, that checks names and values first; all others (proxy, sessions, model upload, whole slides) do not exist.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from anyio import CapacityLimiter, to_thread
from fastapi import Body, FastAPI, File, Form, HTTPException, Request, Response, UploadFile
from fastapi.background import BackgroundTasks
from fastapi.responses import FileResponse, JSONResponse
from monailabel.endpoints import batch_infer, datastore, infer, scoring, train
from monailabel.interfaces.tasks.batch_infer import BatchInferImageType
from monailabel.interfaces.utils.app import app_instance
from monailabel.utils.async_tasks import utils as async_tasks

from usseg_monai.errors import UsageError, UssegError
from usseg_monai.imaging import Limits, is_image_name, read_image
from usseg_monai.label_app.answer import EXTENSIONS, write_mask
from usseg_monai.label_app.params import Values, read_params
from usseg_monai.label_app.server.app import EPOCHS, INFER, MOST_EPOCHS, TRAIN, UssegApp
from usseg_monai.label_app.studies import Conflict, Missing
from usseg_monai.label_app.viewers import grey_content, name_for_viewers

__all__ = ["KEY", "app"]

KEY = "USSEG_LABEL_KEY"
"""Environment variable with the key that every request must bring as ``Authorization: Bearer KEY``; without it there is none."""

_HOSTS = ("127.0.0.1", "localhost")

_AT_ONCE = 2
"""Inferences at a time; the others wait without a thread, so that short requests pass them."""

_ADDRESSED = ("image", "model", "label", "session", "session_id", "label_tag", "save_label", "model_filename", "device_ids")
"""Values that must not stand in the params of an inference: MONAI Label would take them for those of the request's address."""

_MOST_BYTES = Limits().max_file_bytes + (1 << 20)
"""Of a request: the largest file that is read, and what a form adds."""

_OUTPUTS = ("", "all", "image", "json", "mask")

Json = dict[str, Any]
Params = Annotated[str, Form()]


@asynccontextmanager
async def _life(_: FastAPI) -> AsyncIterator[None]:
    instance = await to_thread.run_sync(_app)
    instance.server_mode(True)
    instance.on_init_complete()
    yield
    instance.scorer.stop()


app = FastAPI(title="usseg-monai label server", docs_url=None, redoc_url=None, openapi_url=None, lifespan=_life)
_limit = CapacityLimiter(_AT_ONCE)


def _app() -> UssegApp:
    instance: UssegApp = app_instance()
    return instance


@app.middleware("http")
async def _guard(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """Refuse requests under another name than this machine's own (pages in a browser that point their name here), and without the key."""
    host, origin = request.headers.get("host", ""), request.headers.get("origin")
    if host.rpartition(":")[0] not in _HOSTS and host not in _HOSTS:
        return JSONResponse({"detail": f"host {host[:60]!r}: the server answers to {', '.join(_HOSTS)}"}, 421)
    if origin is not None and origin.partition("://")[2] != host:
        return JSONResponse({"detail": f"requests from pages of {origin[:60]!r} are not answered"}, 403)
    key = os.environ.get(KEY)
    if key and request.url.path not in ("/auth/", "/auth/token"):
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not secrets.compare_digest(given.encode(), key.encode()):
            return JSONResponse({"detail": "the server wants its key: Authorization: Bearer KEY"}, 401, {"WWW-Authenticate": "Bearer"})
    length = request.headers.get("content-length", "0")
    if "transfer-encoding" in request.headers or not length.isdigit() or int(length) > _MOST_BYTES:
        return JSONResponse({"detail": f"a request must state its length, at most {_MOST_BYTES} bytes"}, 413)
    return await call_next(request)


@app.exception_handler(UssegError)
async def _refused(_: Request, error: UssegError) -> JSONResponse:
    status = 404 if isinstance(error, Missing) else 409 if isinstance(error, Conflict) else 422
    return JSONResponse({"detail": str(error)}, status)


def _known(kind: str, name: str, known: Mapping[str, Any]) -> None:
    if name not in known:
        raise Missing(f"no {kind} {name[:60]!r}: there are {', '.join(known)}")


# --- who are you ---------------------------------------------------------------------------------------------------------------------


@app.get("/auth/")
def auth() -> Json:
    return {"enabled": bool(os.environ.get(KEY)), "client_id": "usseg-monai", "realm": ""}


@app.post("/auth/token")
def auth_token(password: Annotated[str, Form()] = "") -> Json:
    """The form in which viewers log in: any user name, the key as password."""
    key = os.environ.get(KEY, "")
    if key and not secrets.compare_digest(password.encode(), key.encode()):
        raise HTTPException(401, "the password is not the server's key")
    return {"access_token": key, "token_type": "bearer"}


@app.get("/auth/token/valid")
def auth_valid() -> Json:
    return {"username": "annotator"}


@app.get("/info/")
def info() -> Json:
    found: Json = _app().info()
    return found


@app.get("/logs/")
def logs(lines: int = 300) -> Response:
    file = Path(_app().app_dir) / "logs" / "app.log"
    text = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
    return Response("".join(text.splitlines(keepends=True)[-max(lines, 1) :]), media_type="text/plain")


# --- inference -----------------------------------------------------------------------------------------------------------------------


@app.post("/infer/{model}")
async def run_infer(
    background_tasks: BackgroundTasks,
    model: str,
    image: str = "",
    output: str = "",
    params: Params = "{}",
    file: Annotated[UploadFile | None, File()] = None,
) -> Any:
    """Wait for a turn on the event loop, infer in a thread."""
    instance = _app()
    instance.waiting += 1
    try:
        return await to_thread.run_sync(partial(_infer, background_tasks, model, image, output, params, file), limiter=_limit)
    finally:
        instance.waiting -= 1


def _infer(background_tasks: BackgroundTasks, model: str, image: str, output: str, params: str, file: UploadFile | None) -> Any:
    instance = _app()
    _known("model", model, instance._infers)
    given = read_params(params)
    values = Values(given, refused=_ADDRESSED)
    output = Values({"output": output}).word("output", _OUTPUTS) or values.word("output", _OUTPUTS)
    if bool(image) == (file is not None):
        raise UsageError("give an image: either the id of one of the studies, ?image=ID, or a file")
    known = {name: given[name] for name in INFER if name in given and name != "output"}
    known.setdefault("result_extension", ".png" if output in ("image", "mask") else EXTENSIONS[0])
    with tempfile.TemporaryDirectory(prefix="sent-") as folder:
        path = instance.folder.find(image) if file is None else _sent(file, Path(folder))
        result = instance.infer({"model": model, "image": str(path), **known})
    return infer.send_response(instance.datastore(), result, "image" if output == "mask" else output, background_tasks)


def _sent(file: UploadFile, folder: Path) -> Path:
    """The file of a request, as a file of that name."""
    name = Path((file.filename or "").replace("\\", "/")).name
    path = folder / (name if is_image_name(name) and len(name) < 200 else "image")
    with path.open("wb") as target:
        while part := file.file.read(1 << 20):
            target.write(part)
    return path


@app.post("/activelearning/{strategy}")
def next_sample(strategy: str, params: Annotated[Json | None, Body()] = None) -> Json:
    instance = _app()
    _known("strategy", strategy, instance._strategies)
    request = {"strategy": strategy, "model": Values(params or {}).word("model", ["", *instance._infers])}
    found = instance._strategies[strategy](request, instance.datastore())
    return {} if found is None else {**found, "name": name_for_viewers(instance.folder.find(found["id"]))}


# --- trainings, batches, scoring: processes of their own -----------------------------------------------------------------------------


def _not_running(method: str, enqueue: bool = False) -> None:
    """MONAI Label's own check misses a task that was submitted and has no process yet."""
    if not enqueue and any(task["status"] in ("SUBMITTED", "RUNNING") for task in async_tasks.tasks(method)):
        raise HTTPException(429, f"a task of {method} is running: wait for its end, or stop it")


def _submitted(task: Json) -> Json:
    return {name: list(value) if name == "details" else value for name, value in task.items()}


@app.get("/train/")
def train_status(all: bool = False, check_if_running: bool = False) -> Any:
    return train.status(all, check_if_running)


@app.post("/train/{model}")
def train_start(model: str, params: Annotated[Json | None, Body()] = None, enqueue: bool = False) -> Json:
    _known("trainer", model, _app()._trainers)
    request = {"max_epochs": Values(params or {}, known=TRAIN).whole("max_epochs", EPOCHS, 1, MOST_EPOCHS)}
    _not_running("train", enqueue)
    return _submitted(train.run_model(model, request, False, enqueue))


@app.delete("/train/")
def train_stop() -> Any:
    return train.stop()


@app.get("/scoring/")
def scoring_status(all: bool = False, check_if_running: bool = False) -> Any:
    return scoring.status(all, check_if_running)


@app.post("/scoring/{method}")
def scoring_start(method: str, params: Annotated[Json | None, Body()] = None) -> Json:
    instance = _app()
    _known("method of scoring", method, instance._scoring_methods)
    model = Values(params or {}, known=("model",)).word("model", ["", *instance._infers])
    _not_running("scoring")
    return _submitted(scoring.run_method(method, {"model": model}, False))


@app.delete("/scoring/")
def scoring_stop() -> Any:
    return scoring.stop()


@app.get("/batch/infer")
def batch_status(all: bool = False, check_if_running: bool = False) -> Any:
    return batch_infer.status(all, check_if_running)


@app.post("/batch/infer/{model}")
def batch_start(model: str, images: str = "all", params: Annotated[Json | None, Body()] = None) -> Json:
    """The values that MONAI Label sends by itself, such as ``multi_gpu``, change nothing here: batches run on the CPU."""
    _known("model", model, _app()._infers)
    known = ("multi_gpu", "gpus", "save_label", "label_tag", "max_workers", "max_batch_size")
    Values(params or {}, known=known).word("label_tag", ["original"])
    chosen = Values({"images": images}).word("images", [kind.value for kind in BatchInferImageType])
    _not_running("batch_infer")
    return _submitted(batch_infer.run(model, BatchInferImageType(chosen), {}, False))


@app.delete("/batch/infer")
def batch_stop() -> Any:
    return batch_infer.stop()


# --- images and labels ---------------------------------------------------------------------------------------------------------------


@app.get("/datastore/")
def store(output: str = "stats") -> Any:
    return datastore.datastore(datastore.ResultType(Values({"output": output}).word("output", ["stats", "all", "train"])))


@app.put("/datastore/")
@app.put("/datastore/image")
def add_image(file: Annotated[UploadFile, File()], image: str = "", params: Params = "{}") -> Json:
    read_params(params)
    sent = Path((file.filename or "").replace("\\", "/")).name
    ending = "".join(Path(sent).suffixes[-2:] if sent.lower().endswith(".nii.gz") else Path(sent).suffixes[-1:])
    name = image + ("" if image.lower().endswith(ending.lower()) else ending) if image else sent
    return {"image": _app().folder.add_image(name, file.file.read())}


@app.delete("/datastore/")
@app.delete("/datastore/image")
def remove_image(id: str) -> Json:
    _app().datastore().remove_image(id)
    return {}


@app.api_route("/datastore/image", methods=["GET", "HEAD"])
def get_image(image: str, original: bool = False) -> Response:
    """The image; colour pictures in grey, which is what viewers of volumes take, unless the original is asked for."""
    path = _app().folder.find(image)
    content = None if original else grey_content(path)
    if content is None:
        return FileResponse(path, filename=path.name)
    name = name_for_viewers(path)
    return Response(content, media_type="image/png", headers={"Content-Disposition": f'attachment; filename="{name}"'})


@app.get("/datastore/image/info")
def image_info(image: str) -> Json:
    found: Json = _app().datastore().get_image_info(image)
    return found


@app.put("/datastore/label")
def save_label(image: str, label: Annotated[UploadFile, File()], params: Params = "{}", tag: str = "") -> Json:
    instance = _app()
    with tempfile.TemporaryDirectory(prefix="sent-") as folder:
        file = _sent(label, Path(folder))
        label_id = instance.datastore().save_label(image, str(file), tag or "final", read_params(params))
    instance.on_save_label(image, label_id)
    return {"image": image, "label": label_id}


@app.delete("/datastore/label")
def remove_label(id: str, tag: str) -> Json:
    _app().datastore().remove_label(id, tag)
    return {}


@app.api_route("/datastore/label", methods=["GET", "HEAD"])
def get_label(
    background_tasks: BackgroundTasks, label: str, tag: str, frame: int | None = None, extension: str = EXTENSIONS[0]
) -> Response:
    """A label as NRRD, or in another form that is asked for; its values are those of ``label_names``."""
    found = _app().folder.label(label, tag, frame)
    ending = Values({"extension": extension}).word("extension", EXTENSIONS)
    with tempfile.NamedTemporaryFile(prefix="label-", suffix=ending, delete=False) as file:
        path = Path(file.name)
    background_tasks.add_task(path.unlink)
    write_mask(found.mask, read_image(found.image, frame=found.frame), path)
    return FileResponse(path, filename=f"{found.image.stem}{ending}", background=background_tasks)


@app.get("/datastore/label/info")
def label_info(label: str, tag: str) -> Json:
    found: Json = _app().datastore().get_label_info(label, tag)
    return found


@app.put("/datastore/label/info")
def update_label_info(label: str, tag: str, info: Params = "{}") -> Json:
    _app().datastore().update_label_info(label, tag, read_params(info))
    return {}


@app.put("/datastore/updatelabelinfo")
def update_label_info_of_old(label: str, tag: str, params: Params = "{}") -> Json:
    _app().datastore().update_label_info(label, tag, read_params(params))
    return {}


@app.get("/datastore/dataset")
def dataset(limit_cases: int | None = None) -> Any:
    return datastore.download_dataset(limit_cases)
