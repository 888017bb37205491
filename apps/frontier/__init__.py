"""Quality against budget: how much faster is each way to train than plain training?"""
