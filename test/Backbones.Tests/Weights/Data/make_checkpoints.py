"""Writes checkpoint.pth and checkpoint_stream.pth: what torch.save writes, by Python's own pickler, with stand-ins for torch's classes.

    python3 make_checkpoints.py
"""
import argparse
import pickle
import struct
import sys
import types
import zipfile
from collections import OrderedDict

torch, utils = types.ModuleType('torch'), types.ModuleType('torch._utils')
sys.modules.update({'torch': torch, 'torch._utils': utils})


def stand_in(module, name):
    thing = type(name, (), {'__module__': module.__name__}) if name.endswith('Storage') else lambda *a: None
    thing.__module__, thing.__name__, thing.__qualname__ = module.__name__, name, name
    setattr(module, name, thing)
    return thing


float_storage, long_storage, half_storage = (stand_in(torch, n + 'Storage') for n in ('Float', 'Long', 'Half'))
rebuild_tensor, rebuild_parameter = (stand_in(utils, n) for n in ('_rebuild_tensor_v2', '_rebuild_parameter'))


class Storage:
    def __init__(self, kind, key, count, data):
        self.kind, self.key, self.count, self.data = kind, key, count, data


class Tensor:
    def __init__(self, storage, offset, size, stride, parameter=False):
        self.arguments, self.parameter = (storage, offset, size, stride), parameter

    def __reduce_ex__(self, protocol):
        if self.parameter:
            return rebuild_parameter, (Tensor(*self.arguments), True, OrderedDict())
        return rebuild_tensor, (*self.arguments, False, OrderedDict())


def dump(value, file, view=()):
    class Pickler(pickle.Pickler):
        def persistent_id(self, thing):
            return ('storage', thing.kind, thing.key, 'cpu', thing.count, *view) if isinstance(thing, Storage) else None
    Pickler(file, 2).dump(value)


six = Storage(float_storage, '0', 6, struct.pack('<6f', *range(6)))
seven = Storage(long_storage, '1', 1, struct.pack('<q', 7))
four = Storage(half_storage, '2', 4, struct.pack('<4e', 1.5, -2, 0, 3))
state = OrderedDict([
    ('module.a.weight', Tensor(six, 0, (2, 3), (3, 1), True)),
    ('module.a.transposed', Tensor(six, 0, (3, 2), (1, 3))),
    ('module.bn.num_batches_tracked', Tensor(seven, 0, (), ())),
    ('module.half', Tensor(four, 1, (3,), (1,))),
])
state._metadata = OrderedDict([('', {'version': 1}), ('a', {'version': 2})])
root = {
    'epoch': 3, 'lr': 0.1, 'seed': 2 ** 70, 'step': -70000, 'arch': 'résnet', 'best': None, 'amp': True, 'many': list(range(1100)),
    'args': argparse.Namespace(model='resnet', sizes=[1, 300, (3,), (1, 2, 3, 4)], again=[]), 'state_dict': state, 'same': state,
}

with zipfile.ZipFile('checkpoint.pth', 'w', zipfile.ZIP_STORED) as archive:
    with archive.open('checkpoint/data.pkl', 'w') as file:
        dump(root, file)
    archive.writestr('checkpoint/byteorder', 'little')
    for storage in (six, seven, four):
        archive.writestr('checkpoint/data/' + storage.key, storage.data)
    archive.writestr('checkpoint/version', '3\n')

with open('checkpoint_stream.pth', 'wb') as file:
    pickle.dump(0x1950a86a20f9469cfc6c, file, 2)
    pickle.dump(1001, file, 2)
    pickle.dump({'protocol_version': 1001, 'little_endian': True, 'type_sizes': {'short': 2, 'int': 4, 'long': 4}}, file, 2)
    dump(root, file, (None,))
    pickle.dump(['0', '1', '2'], file, 2)
    for storage in (six, seven, four):
        file.write(struct.pack('<q', storage.count) + storage.data)
