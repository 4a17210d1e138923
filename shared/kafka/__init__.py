"""Kafka: batches read record by record, dead letters, keyed sends, topics.

FastStream reads (`subscriber.py`), with its defaults turned to at-least-once (`overrides.py`);
aiokafka's producer writes (`producer.py`), because keyed sends with a future each are what per-key
order and throughput need, and because dead letters must keep header bytes that are not text
(`docs/decisions/0003-kafka.md`).
"""
