"""FastAPI and Mangum without a model, without validation and without AWS."""

from fastapi import FastAPI, Response
from mangum import Mangum

app = FastAPI(openapi_url=None)


@app.get("/health")
@app.post("/predict")
async def answer() -> Response:
    """Answer at once."""
    return Response(b"{}", media_type="application/json")


handler = Mangum(app, lifespan="off")
