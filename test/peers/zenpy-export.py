"""Reads an export to its end with zenpy, as its users do: one line "<id> <generated_timestamp>" a ticket.

usage: zenpy-export.py time|cursor <start_time>; where to and as whom is in the environment.
"""
import os
import sys

from zenpy import Zenpy

mode, start_time = sys.argv[1], int(sys.argv[2])
client = Zenpy(
    subdomain="helpdesk",
    email=os.environ["ZENDESK_EMAIL"],
    token=os.environ["ZENDESK_API_TOKEN"],
)
for ticket in client.tickets.incremental(start_time=start_time, paginate_by_time=mode == "time"):
    print(ticket.id, ticket.generated_timestamp)
