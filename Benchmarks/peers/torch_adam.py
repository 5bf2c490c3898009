"""Times PyTorch's Adam alone, in its fused, foreach and plain forms, on real parameters with gradients."""

import argparse

import common

FORMS = {"fused": {"fused": True}, "foreach": {"foreach": True}, "plain": {"foreach": False}}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parameters", type=int, default=70_000_000)
    parser.add_argument("--tensors", type=int, default=4, help="that they are divided among")
    parser.add_argument("--forms", nargs="+", choices=list(FORMS), default=["fused", "foreach"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=10)
    return parser.parse_args()


def main():
    options = arguments()
    common.prepare(options.threads)
    import torch

    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    results = {}
    for form in options.forms:
        parameters = [
            torch.nn.Parameter(torch.randn(options.parameters // options.tensors)) for _ in range(options.tensors)
        ]
        for parameter in parameters:
            parameter.grad = torch.randn_like(parameter)
        optimizer = torch.optim.Adam(parameters, lr=1e-3, weight_decay=1e-4, **FORMS[form])
        results[f"{form}_ms"] = 1e3 * common.median_seconds(optimizer.step, options.repeats, warm_up=2)
        del optimizer, parameters
    common.report(["torch"], **results, parameters=options.parameters, threads=options.threads)


if __name__ == "__main__":
    main()
