"""Bringing events to endpoints: taken in one short transaction, sent outside of any, written in another."""
