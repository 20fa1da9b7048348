FROM python:3.13-slim

WORKDIR /srv/journeys
COPY . .
RUN pip install --no-cache-dir -c constraints.txt -e . \
    && useradd --system --no-create-home journeys

USER journeys
EXPOSE 8000
CMD ["journeys", "serve", "--host", "0.0.0.0"]
