"""The wire contracts: what stands on each topic, as frozen models; one file a topic.

Messages are CloudEvents 1.0 in Kafka binary mode: the value is the JSON body alone, the context
attributes are `ce_` headers. Contracts change only by adding; golden files in
`tests/contract/golden` hold one example of each, byte for byte. Readers ignore what they do not
know, at every depth, so that a newer producer breaks none of them.
"""
