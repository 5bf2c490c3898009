print("operatorctl")
