"""Many tracks on many machines: what stands behind ``python -m loopwright.distributed``.

``inputs``: what the user names, as a list of sources. ``storage``: where the dataset lies. ``dataset``: its layout.
``tables``: its rows as Parquet. ``engine``: the work on one track. ``task``: what a worker does. ``driver``: what is given
to whom. ``compact``: many small files as few.
"""
