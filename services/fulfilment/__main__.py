"""`python -m services.fulfilment`."""

from services.fulfilment.main import create_app
from services.fulfilment.settings import Settings
from shared.process import serve

if __name__ == "__main__":
    settings = Settings()
    serve(lambda: create_app(settings), settings, "fulfilment")
