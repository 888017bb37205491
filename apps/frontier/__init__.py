"""Quality against budget: how much sooner is each way to train as good as plain training?"""
